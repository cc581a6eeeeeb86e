"""RDS: proxies that can be modified, parameters that read back, and details of instances."""

import secrets
import string
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.rds import models as rds
from moto.rds.exceptions import (
    DBParameterGroupNotFoundError,
    DBProxyAlreadyExistsFault,
    InvalidParameterValue,
)
from moto.rds.responses import RDSResponse

Operation = Callable[[RDSResponse], ActionResult]
Create = Callable[[rds.RDSBackend, dict[str, Any]], rds.DBInstance]

DEFAULT_CA = "rds-ca-rsa2048-g1"


def install() -> None:
    """Add everything."""
    RDSResponse.create_db_proxy = of_valid_timeout(RDSResponse.create_db_proxy)
    RDSResponse.modify_db_proxy = modify_db_proxy
    RDSResponse.describe_db_parameters = describe_db_parameters
    RDSResponse.reset_db_parameter_group = reset_db_parameter_group
    rds.RDSBackend.create_db_instance = with_details(rds.RDSBackend.create_db_instance)
    rds.DBInstance.update = with_insights(rds.DBInstance.update)
    rds.RDSBackend.modify_db_proxy_target_group = modify_db_proxy_target_group
    for operation in (
        "delete_db_proxy",
        "deregister_db_proxy_targets",
        "describe_db_proxy_target_groups",
        "describe_db_proxy_targets",
        "register_db_proxy_targets",
    ):
        setattr(RDSResponse, operation, of_known_proxy(getattr(RDSResponse, operation)))


def known_proxy(backend: rds.RDSBackend, name: str) -> rds.DBProxy:
    """The proxy of that name, or DBProxyNotFoundFault."""
    return backend.describe_db_proxies(name)[0]


def check_range(name: str, value: int, least: int, most: int) -> None:
    """Refuse a value as AWS does. Limits: API reference, ModifyDBProxy and
    ConnectionPoolConfiguration.
    """
    if not least <= value <= most:
        raise InvalidParameterValue(f"{name} {value} is not between {least} and {most}")


def of_known_proxy(operation: Operation) -> Operation:
    """Complete an operation of a proxy: moto answers a KeyError when there is no such proxy."""

    def checked(self: RDSResponse) -> ActionResult:
        known_proxy(self.backend, self.params["DBProxyName"])
        return operation(self)

    return checked


def of_valid_timeout(create: Operation) -> Operation:
    """rds:CreateDBProxy: moto moves a timeout out of range to the next one in it."""

    def create_db_proxy(self: RDSResponse) -> ActionResult:
        check_range("IdleClientTimeout", self.params.get("IdleClientTimeout", 1800), 60, 28800)
        return create(self)

    return create_db_proxy


def modify_db_proxy(self: RDSResponse) -> ActionResult:
    """rds:ModifyDBProxy, absent in moto."""
    params = self.params
    proxy = known_proxy(self.backend, params["DBProxyName"])
    timeout = params.get("IdleClientTimeout", proxy.idle_client_timeout)
    check_range("IdleClientTimeout", timeout, 60, 28800)
    new_name = params.get("NewDBProxyName", proxy.db_proxy_name)
    if new_name != proxy.db_proxy_name:
        proxies = self.backend.db_proxies
        if new_name in proxies:
            raise DBProxyAlreadyExistsFault(new_name)
        proxies[new_name] = proxies.pop(proxy.db_proxy_name)
        proxy.db_proxy_name = new_name
        for group in proxy.proxy_target_groups.values():
            group.db_proxy_name = new_name
    proxy.idle_client_timeout = timeout
    proxy.auth = params.get("Auth", proxy.auth)
    proxy.require_tls = params.get("RequireTLS", proxy.require_tls)
    proxy.debug_logging = params.get("DebugLogging", proxy.debug_logging)
    proxy.role_arn = params.get("RoleArn", proxy.role_arn)
    proxy.vpc_security_group_ids = params.get("SecurityGroups", proxy.vpc_security_group_ids)
    proxy.updated_date = rds.utcnow()
    return ActionResult({"DBProxy": proxy})


def modify_db_proxy_target_group(
    self: rds.RDSBackend, proxy_name: str, config: dict[str, Any]
) -> rds.DBProxyTargetGroup:
    """rds:ModifyDBProxyTargetGroup: moto takes 0 for "not given", and accepts any value."""
    group = known_proxy(self, proxy_name).proxy_target_groups["default"]
    most = config.get("MaxConnectionsPercent", group.max_connections)
    idle = config.get("MaxIdleConnectionsPercent", most // 2)
    borrow = config.get("ConnectionBorrowTimeout", group.borrow_timeout)
    check_range("MaxConnectionsPercent", most, 1, 100)
    check_range("MaxIdleConnectionsPercent", idle, 0, most)
    check_range("ConnectionBorrowTimeout", borrow, 0, 300)
    group.max_connections = most
    group.max_idle_connections = idle
    group.borrow_timeout = borrow
    group.session_pinning_filters = config.get(
        "SessionPinningFilters", group.session_pinning_filters
    )
    group.updated_date = rds.utcnow()
    return group


def parameter_group(self: RDSResponse) -> rds.DBParameterGroup:
    """The parameter group that a request names."""
    name = self.params["DBParameterGroupName"].lower()
    if name not in self.backend.db_parameter_groups:
        raise DBParameterGroupNotFoundError(name)
    return self.backend.db_parameter_groups[name]


def describe_db_parameters(self: RDSResponse) -> ActionResult:
    """rds:DescribeDBParameters: moto leaves out `Source`, by which callers tell what users set."""
    set_by_user = list(parameter_group(self).parameters.values())
    shown = set_by_user if self.params.get("Source", "user") == "user" else []
    return ActionResult({"Parameters": [{**each, "Source": "user"} for each in shown]})


def reset_db_parameter_group(self: RDSResponse) -> ActionResult:
    """rds:ResetDBParameterGroup, absent in moto."""
    group = parameter_group(self)
    if self.params.get("ResetAllParameters"):
        group.parameters.clear()
    for parameter in self.params.get("Parameters", []):
        group.parameters.pop(parameter["ParameterName"], None)
    return ActionResult({"DBParameterGroupName": group.name})


def with_details(create: Create) -> Create:
    """rds:CreateDBInstance: a DbiResourceId of its own, and AWS's default certificate authority."""

    def create_db_instance(self: rds.RDSBackend, db_kwargs: dict[str, Any]) -> rds.DBInstance:
        db_kwargs.setdefault("ca_certificate_identifier", DEFAULT_CA)
        instance = create(self, db_kwargs)
        alphabet = string.ascii_uppercase + string.digits
        instance.dbi_resource_id = "db-" + "".join(secrets.choice(alphabet) for _ in range(26))
        set_insights(instance, db_kwargs)
        return instance

    return create_db_instance


def with_insights(update: Callable[..., None]) -> Callable[..., None]:
    """rds:ModifyDBInstance: Performance Insights."""

    def completed(self: rds.DBInstance, **db_kwargs: Any) -> None:
        update(self, **db_kwargs)
        set_insights(self, db_kwargs)

    return completed


def set_insights(instance: rds.DBInstance, db_kwargs: dict[str, Any]) -> None:
    """Performance Insights as a request asks for them; they keep 7 days unless told otherwise."""
    enabled = db_kwargs.get("enable_performance_insights")
    if enabled is not None:
        instance.performance_insights_enabled = enabled
        instance.performance_insights_retention_period = 7 if enabled else None
    for name in ("performance_insights_retention_period", "performance_insights_kms_key_id"):
        if db_kwargs.get(name) is not None:
            setattr(instance, name, db_kwargs[name])
