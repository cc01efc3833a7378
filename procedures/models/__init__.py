"""Rollbacks as procedures: what is asked before and after, who said so, and whether it helped."""

from procedures.models.items import ProcedureItem
from procedures.models.procedures import Procedure, ProcedureOperation

__all__ = ["Procedure", "ProcedureItem", "ProcedureOperation"]
