"""Targets, what is done to them, and what they can be taken back to."""

from recovery.models.deployments import Deployment
from recovery.models.drills import Drill
from recovery.models.migrations import SchemaMigration
from recovery.models.operations import Operation, OperationStep
from recovery.models.restore_points import RestorePoint
from recovery.models.targets import Target

__all__ = ["Deployment", "Drill", "Operation", "OperationStep", "RestorePoint", "SchemaMigration", "Target"]
