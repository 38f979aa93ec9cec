"""The processes of a run: the keeper, the zygote, its supervisor, and the clones."""
