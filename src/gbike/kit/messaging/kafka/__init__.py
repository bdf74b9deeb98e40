"""The bus on Kafka: a topic per speaker, keyed by aggregate, at least once."""

import logging

# What the client would say line by line, this house says once, in its own log.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
