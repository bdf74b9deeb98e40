"""Whether an answer is in the description of its operation."""

from gbike.kit.http.app import Operation
from gbike.kit.http.openapi import problems_of
from gbike.kit.http.problems import MEDIA_TYPE
from gbike.kit.http.request import Response


def undescribed(operation: Operation, answer: Response) -> list[str]:
    """What of the answer the OpenAPI document does not have; nothing where the operation is in none."""
    if operation.hidden:
        return []
    refusal = answer.content["type"].partition("#")[2] if answer.media == MEDIA_TYPE else None
    known = {problem.slug for problem in problems_of(operation)} if refusal else set(operation.answers)
    told = refusal or answer.status
    return [] if told in known else [f"{operation.method} {operation.path}: {told}"]
