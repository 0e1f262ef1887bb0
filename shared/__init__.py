"""What every service shares: contracts, ports, errors, pixel arithmetic and adapters. Knows no service."""
