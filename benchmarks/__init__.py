"""What it costs, beside AWS's own package, pluggy and stevedore, all in one run: ``make bench``."""
