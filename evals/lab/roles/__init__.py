"""Programs that run inside the lab's containers: standard library only; in an image the folder is package `chat`."""
