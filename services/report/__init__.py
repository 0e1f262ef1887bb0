"""The output folder of a job and its report page. Reads what a finished job left in its stores; runs nothing."""
