"""The network, and what lets through what: the VPC, subnets and security groups."""

from nexusctl.change.rule import Context, Effect, Level, Rule
from nexusctl.change.rules import sources
from nexusctl.change.rules.conditions import GONE, NEW, becomes, stands
from nexusctl.policy.networks import is_everywhere
from nexusctl.terraform.plan import Action, AttributeChange


def _open_to_all(context: Context, _attribute: AttributeChange) -> bool:
    return any(is_everywhere(context.after.get(name)) for name in ("cidr_ipv4", "cidr_ipv6"))


def _keeps_database(context: Context, _attribute: AttributeChange) -> bool:
    return context.keeps_database


def _moves(context: Context, _attribute: AttributeChange) -> bool:
    return context.moves


_WAY_ON = (
    "undo the edit of network; the way to another network is a new environment beside this one: "
    "move data and clients there, then destroy this one"
)


_RULE_TYPES = "aws_vpc_security_group_*gress_rule"


NETWORK: tuple[Rule, ...] = (
    Rule(
        id="vpc-lost",
        resource="aws_vpc",
        actions=GONE,
        when=_keeps_database,
        condition="the database stays",
        level=Level.DISRUPTIVE,
        effect=Effect.AWS_REFUSES,
        says="no VPC is deleted while the database is in it, and the subnet group cannot leave it: "
        "the apply takes down the proxy, the endpoints and the rules that let clients in, and then "
        f"fails, with all that down; {_WAY_ON}",
        fact="A VPC can be deleted only after all that is in it.",
        source=sources.VPC_DELETE,
    ),
    Rule(
        id="subnet-group-moved",
        resource="aws_db_subnet_group",
        attributes=("subnet_ids*",),
        when=_moves,
        condition="to another VPC",
        level=Level.DISRUPTIVE,
        effect=Effect.AWS_REFUSES,
        says="the database's subnet group cannot leave its VPC: the apply will fail here, and what "
        f"it has taken down by then stays down, the proxy above all; {_WAY_ON}",
        fact="ModifyDBSubnetGroup takes only subnets of the VPC that the group is in.",
        source=sources.RDS_VPC,
    ),
    Rule(
        id="subnet-group-changed",
        resource="aws_db_subnet_group",
        attributes=("subnet_ids*",),
        level=Level.LOW,
        effect=Effect.DATABASE_MODIFIED,
        says="other subnets that it may be in; it stays where it is",
        fact="An instance keeps its subnet while its group has it; RDS does not take a subnet that "
        "is in use out of a group.",
        source=sources.RDS_VPC,
    ),
    Rule(
        id="subnet-lost",
        resource="aws_subnet",
        actions=GONE,
        when=_keeps_database,
        condition="the database stays",
        level=Level.DISRUPTIVE,
        effect=Effect.AWS_REFUSES,
        says="no subnet is deleted while the database, a worker or an endpoint is in it: the apply "
        "will fail here then, with the proxy down; undo the edit of network",
        fact="A subnet can be deleted only after all network interfaces in it.",
        source=sources.SUBNET_DELETE,
    ),
    Rule(
        id="access-anybody",
        resource="aws_vpc_security_group_ingress_rule",
        actions=frozenset({Action.CREATE, Action.REPLACE}),
        when=_open_to_all,
        condition="from a network larger than /8",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="any address may connect",
        fact="Rules take effect at once.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="access-anybody-now",
        resource="aws_vpc_security_group_ingress_rule",
        attributes=("cidr_ipv?",),
        when=_open_to_all,
        condition="from a network larger than /8",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="any address may connect",
        fact="Rules take effect at once.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="access-opened",
        resource=_RULE_TYPES,
        actions=NEW,
        when=stands,
        condition="the stack is there already",
        level=Level.LOW,
        effect=Effect.ACCESS_OPENED,
        says="a security group lets more through",
        fact="Rules take effect at once.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="access-all-protocols",
        resource=_RULE_TYPES,
        attributes=("ip_protocol",),
        when=becomes("-1"),
        condition="it becomes -1",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="all ports and protocols are let through",
        fact="-1 stands for all protocols; ports are ignored then.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="access-closed",
        resource=_RULE_TYPES,
        actions=GONE,
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CLOSED,
        says="new connections through it are refused{why}",
        fact="Connections that are tracked go on until they end or time out.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="access-changed",
        resource=_RULE_TYPES,
        attributes=("cidr_*", "from_port", "to_port", "ip_protocol", "prefix*", "referenced*"),
        level=Level.DISRUPTIVE,
        effect=Effect.ACCESS_CHANGED,
        says="others are let in than before",
        fact="Rules take effect at once; connections that are tracked go on until they end.",
        source=sources.CONNECTION_TRACKING,
    ),
    Rule(
        id="subnet-public",
        resource="aws_subnet",
        attributes=("map_public_ip_on_launch",),
        when=becomes(True),
        condition="it becomes true",
        level=Level.DISRUPTIVE,
        effect=Effect.SECURITY_LOWERED,
        says="what is launched in the subnet gets a public address",
        fact="The subnet decides where the launch does not; what runs keeps what it has.",
        source=sources.SUBNET,
    ),
)
