"""The store on PostgreSQL: several writers, several processes, one database per service."""
