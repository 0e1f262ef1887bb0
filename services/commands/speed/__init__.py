"""`retoucher speed`: measured throughput and overhead. Each measurement runs real processes and prints what it saw."""
