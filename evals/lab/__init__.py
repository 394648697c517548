"""The lab: a real system in containers to break, record and heal. README.md says what it needs and takes."""
