"""A task's life in one room: waiting → sent → claimed → done."""

from orchestrator.tasks.grants import LEASE_SECONDS, Grants, roles_with
from orchestrator.tasks.room import LOOK_SECONDS, Tasks
from orchestrator.tasks.watch import Watch

__all__ = ["LEASE_SECONDS", "LOOK_SECONDS", "Grants", "Tasks", "Watch", "roles_with"]
