"""The bus on Kafka: one topic, keyed by aggregate, at least once."""
