"""The shared floor of every service: time, ids, money, stores, events, peers and HTTP. No business word lives here."""
