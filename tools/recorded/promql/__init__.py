"""PromQL over recorded series, as Prometheus 2.42 to 3.x would answer it."""
