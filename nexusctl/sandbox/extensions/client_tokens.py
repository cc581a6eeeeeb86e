"""EC2 and Secrets Manager: a request that is sent again, by its client token.

AWS answers it as it did the first time (EC2 API reference, Ensuring idempotency; Secrets Manager,
CreateSecret). moto makes a second one, or says that it exists, and so an SDK's retry fails.
"""

from collections.abc import Callable
from typing import Any

from moto.backends import get_backend
from moto.core.responses import BaseResponse
from moto.ec2.responses import EC2Response
from moto.secretsmanager.responses import SecretsManagerResponse

Operation = Callable[[BaseResponse], Any]


def install() -> None:
    """Add everything."""
    for operation in (
        "create_launch_template",
        "create_launch_template_version",
        "create_route_table",
        "create_vpc_endpoint",
    ):
        whole = getattr(EC2Response, operation)
        setattr(EC2Response, operation, answering_again(whole, "ClientToken"))
    SecretsManagerResponse.create_secret = answering_again(
        SecretsManagerResponse.create_secret, "ClientRequestToken"
    )


def answering_again(operation: Operation, token: str) -> Operation:
    """Keep the answers of an operation that succeeds, for the same requests with a client token."""

    def answered(self: BaseResponse) -> Any:
        if not self._get_param(token):
            return operation(self)
        # In the backend, which forgets all that it has when the sandbox is reset.
        backend = get_backend(self.service_name)[self.current_account][self.region]
        answers = vars(backend).setdefault("answers", {})
        # Parameters are in the form (EC2's protocol) or in the body (JSON).
        request = (operation.__name__, str(self.form_data), self.body)
        if request not in answers:
            answers[request] = operation(self)
        return answers[request]

    return answered
