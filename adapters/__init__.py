"""The outside world behind the ports: ticketing tools, brokers, stores."""
