"""The first answer after a restore of five functions: with AWS's package, with ours, and primed."""
