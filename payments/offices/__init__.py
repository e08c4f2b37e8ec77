"""What payments.office registers, by noun, where that module would grow too long. Holds no rule."""
