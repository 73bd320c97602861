"""The workflows: a file for each, named like the verb that begins it, with its story as a function of that name.

A story reads like the work. It is told again from its start after each step, so it must do nothing by itself: what has
an effect, or may turn out otherwise the next time, is a step.
"""
