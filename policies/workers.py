"""Workers keep their credentials to themselves, encrypt their disks, and cannot be reached.

A launch template, a launch configuration and an instance say the same things in other places; an
account may have defaults of its own for what is not written, so all of it has to be written.
"""

from nexusctl.policy.check import ABSENT, UNKNOWN, About, Answer, Policy, Resource
from nexusctl.policy.verdict import Severity


class WorkerMetadata(Policy):
    """A worker's credentials can only be had by a process on the worker itself."""

    about = About(
        id="NEXUS_WORKER_METADATA",
        title="Workers use IMDSv2 with a hop limit of 1",
        severity=Severity.HIGH,
        why="With IMDSv1 one forged request through a worker reads the credentials that sign IAM "
        "tokens for the database.",
        fact="http_tokens = required turns IMDSv1 off, and a token answer with a hop limit of 1 "
        "does not leave the instance (EC2 User Guide, Configure the Instance Metadata Service "
        "options). What is not written follows the AMI and the account.",
        fix='nexusctl writes both; elsewhere set http_tokens = "required" and '
        "http_put_response_hop_limit = 1 in metadata_options; a launch_specification of a spot "
        "fleet knows neither, so name a launch template",
        resources=(
            "aws_launch_template",
            "aws_instance",
            "aws_launch_configuration",
            "aws_spot_instance_request",
            "aws_spot_fleet_request",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """Every `metadata_options` block says both; a launch specification has none."""
        if resource.type == "aws_spot_fleet_request":
            return _no_specification(resource)
        name, answers = "metadata_options", []
        for block in resource.blocks(name):
            answers.append(block.answer("http_tokens", "required"))
            answers.append(block.answer("http_put_response_hop_limit", 1))
        if resource.uncertain(name):
            answers.append(Answer.unknown(f"{name} is not known", name))
        elif not answers:
            return Answer.failed(f"no {name} block: the account's defaults decide", name)
        return Answer.worst(answers, "IMDSv2 is required, with a hop limit of 1")


def _no_specification(fleet: Resource) -> Answer:
    name = "launch_specification"
    if fleet.blocks(name):
        return Answer.failed(f"{name} cannot require IMDSv2", name)
    if fleet.uncertain(name):
        return Answer.unknown(f"{name} is not known", name)
    return Answer.passed("its launch templates are judged by themselves")


class WorkerDisks(Policy):
    """Nothing that a worker writes to disk can be read without a key."""

    about = About(
        id="NEXUS_WORKER_DISKS",
        title="Workers' EBS volumes are encrypted",
        severity=Severity.HIGH,
        why="Rows that workers spill, log or dump stay on volumes and in their snapshots.",
        fact="A volume is encrypted if the mapping says so or if the account encrypts by default; "
        "else it is as the AMI's snapshot is, and Amazon Linux's is not encrypted (EBS User "
        "Guide, Amazon EBS encryption). The root device is /dev/xvda or /dev/sda1 (EC2 User "
        "Guide, Device names for volumes).",
        fix="nexusctl writes encrypted = true; elsewhere set it for the root volume and each other",
        resources=(
            "aws_launch_template",
            "aws_instance",
            "aws_launch_configuration",
            "aws_spot_instance_request",
            "aws_ami_copy",
            "aws_ebs_encryption_by_default",
            "aws_ebs_snapshot_copy",
            "aws_ebs_snapshot_import",
            "aws_ebs_volume",
            "aws_volume_attachment",
        ),
    )

    _ROOT_DEVICES = ("/dev/xvda", "/dev/sda1")

    def judge(self, resource: Resource) -> Answer:
        """Every EBS volume has `encrypted = true`, and the root volume is written."""
        match resource.type:
            case "aws_launch_template":
                return self._template(resource)
            case "aws_instance" | "aws_launch_configuration" | "aws_spot_instance_request":
                return self._machine(resource)
            case "aws_volume_attachment":
                name = "volume_id"
                if resource.points_at(name, "aws_ebs_volume").all_here:
                    return Answer.passed("its volume is managed here")
                text = f"{name} is not managed here: whether it is encrypted is not known"
                return Answer.unknown(text, name)
            case "aws_ebs_encryption_by_default":
                return _not_false(resource, "enabled")
        return resource.answer("encrypted", True)

    def _template(self, resource: Resource) -> Answer:
        name, answers, roots = "block_device_mappings", [], []
        for mapping in resource.blocks(name):
            volumes = mapping.blocks("ebs")
            answers += [volume.answer("encrypted", True) for volume in volumes]
            roots += [mapping.value("device_name")] if volumes else []
        if resource.uncertain(f"{name}.ebs"):
            answers.append(Answer.unknown(f"{name} is not known", name))
        elif not roots:
            answers.append(Answer.failed(f"{name} has no volume: the AMI decides", name))
        elif UNKNOWN in roots:
            answers.append(Answer.unknown(f"which device of {name} is the root is not known", name))
        elif not any(root in self._ROOT_DEVICES for root in roots):
            text = f"{name} has no root device (/dev/xvda, /dev/sda1): the AMI decides"
            answers.append(Answer.failed(text, name))
        return Answer.worst(answers, "all EBS volumes are encrypted")

    def _machine(self, resource: Resource) -> Answer:
        names = ("root_block_device", "ebs_block_device")
        roots, others = (resource.blocks(name) for name in names)
        # The root volume is the one that there always is.
        volumes = [*roots, *others] if roots else []
        answers = [volume.answer("encrypted", True) for volume in volumes]
        if any(resource.uncertain(name) for name in names):
            answers.append(Answer.unknown(f"{names[0]} is not known", names[0]))
        elif not roots:
            answers.append(Answer.failed(f"{names[0]} has no volume: the AMI decides", names[0]))
        return Answer.worst(answers, "all EBS volumes are encrypted")


def _not_false(resource: Resource, name: str) -> Answer:
    """Whether a switch that is on by default is left on."""
    if resource.value(name) is ABSENT:
        return Answer.passed(f"{name} is not false")
    return resource.answer(name, True)


class WorkerAddress(Policy):
    """Workers have private addresses only."""

    about = About(
        id="NEXUS_WORKER_ADDRESS",
        title="Workers have no public address",
        severity=Severity.HIGH,
        why="A worker with a public address can be reached, and can send data out, past the proxy "
        "and the endpoints.",
        fact="Where associate_public_ip_address is not written the subnet's "
        "MapPublicIpOnLaunch decides (EC2 User Guide, Public IPv4 addresses); an Elastic IP "
        "address is public by itself.",
        fix="nexusctl writes associate_public_ip_address = false; elsewhere set it on each network "
        "interface, or on the instance, and remove the aws_eip",
        resources=(
            "aws_launch_template",
            "aws_instance",
            "aws_launch_configuration",
            "aws_spot_instance_request",
            "aws_eip",
            "aws_eip_association",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """`associate_public_ip_address` is false on every network interface; no Elastic IP."""
        if resource.type == "aws_eip_association":
            return Answer.failed("it gives a network interface a public address")
        if resource.type == "aws_eip":
            given = [_given(resource, name) for name in ("instance", "network_interface")]
            return Answer.worst(given, "it is no instance's and no network interface's")
        name, argument = "network_interfaces", "associate_public_ip_address"
        if resource.type != "aws_launch_template":
            return resource.answer(argument, False)
        interfaces = resource.blocks(name)
        answers = [each.answer(argument, False) for each in interfaces]
        if resource.uncertain(name):
            answers.append(Answer.unknown(f"{name} is not known", name))
        elif not interfaces:
            return Answer.failed(f"no {name} block: the subnet decides on the address", name)
        return Answer.worst(answers, "it gets no public address")


def _given(address: Resource, name: str) -> Answer:
    """Whether an Elastic IP address is given to what an argument names. NAT gateways need one."""
    if address.value(name) is ABSENT:
        return Answer.passed(f"{name} is not set")
    # One that rests on something was written, though a plan does not know its value yet.
    rests_on = address.rests_on(name)
    if address.value(name) is UNKNOWN and (not rests_on or any("var." in one for one in rests_on)):
        return Answer.unknown(f"{name} is not known", name)
    return Answer.failed(f"it gives the {name} a public address".replace("_", " "), name)


class WorkerKeyPair(Policy):
    """Nobody signs in to a worker with a key of their own."""

    about = About(
        id="NEXUS_WORKER_KEY_PAIR",
        title="Workers have no SSH key pair",
        severity=Severity.MEDIUM,
        why="Whoever has the private key gets onto the workers, without IAM and without a trace in "
        "CloudTrail.",
        fact="A key pair's public key is put on the instance at launch and stays there; Session "
        "Manager needs none and logs its sessions (EC2 User Guide, Amazon EC2 key pairs; Systems "
        "Manager User Guide, Session Manager).",
        fix="nexusctl sets no key_name; elsewhere remove it and use aws ssm start-session",
        resources=(
            "aws_launch_template",
            "aws_instance",
            "aws_launch_configuration",
            "aws_spot_instance_request",
        ),
    )

    def judge(self, resource: Resource) -> Answer:
        """`key_name` is not set."""
        key = resource.value("key_name")
        rests_on = resource.rests_on("key_name") if key is UNKNOWN else ()
        if rests_on and all("aws_key_pair." in reference for reference in rests_on):
            return Answer.failed(f"key_name is that of {min(rests_on)}", "key_name")
        if key is UNKNOWN:
            return Answer.unknown("key_name is not known", "key_name")
        if key is ABSENT:
            return Answer.passed("key_name is not set")
        return Answer.failed(f"key_name is {key}", "key_name")


class WorkerTemplate(Policy):
    """What workers start from was judged, each instance type's template included."""

    about = About(
        id="NEXUS_WORKER_TEMPLATE",
        title="Workers start from launch templates of this root",
        severity=Severity.HIGH,
        why="What a template made elsewhere says of metadata, disks, addresses and security groups "
        "nobody here has looked at.",
        fact="A mixed instances policy and a fleet may name a template for each instance type, and "
        "use that in place of the first one (EC2 Auto Scaling User Guide, Use a different launch "
        "template for an instance type).",
        fix="nexusctl writes one template; elsewhere name aws_launch_template resources of the "
        "root, in overrides, too",
        resources=("aws_autoscaling_group", "aws_ec2_fleet", "aws_spot_fleet_request"),
    )

    _SPECIFICATIONS = (
        "launch_template",
        "mixed_instances_policy.launch_template.launch_template_specification",
        "mixed_instances_policy.launch_template.override.launch_template_specification",
        "launch_template_config.launch_template_specification",
    )
    _NAMES = ("id", "name", "launch_template_id", "launch_template_name")

    def judge(self, resource: Resource) -> Answer:
        """Every launch template that it names is managed here; so is a launch configuration."""
        answers, name = [], "launch_configuration"
        if resource.value(name) is not ABSENT:
            found = resource.points_at(name, "aws_launch_configuration")
            answers.append(_managed(found.all_here, name))
        for path in self._SPECIFICATIONS:
            for block in resource.blocks(path):
                every = [
                    resource.points_at(each, "aws_launch_template", block=block)
                    for each in self._NAMES
                ]
                # By id or by name: of the other one a plan says that it is not known.
                here = any(each.all_here for each in every) and not any(e.ids for e in every)
                answers.append(_managed(here, *block.path))
            if resource.uncertain(path):
                answers.append(Answer.unknown(f"{path} is not known", path.split(".")[0]))
        return Answer.worst(answers, "its launch templates are managed here")


def _managed(here: bool, *path: str | int) -> Answer:
    name = ".".join(str(part + 1 if isinstance(part, int) else part) for part in path)
    if here:
        return Answer.passed(f"{name} is managed here")
    return Answer.unknown(f"{name} is not managed here: what is in it is not known", *path)


worker_metadata = WorkerMetadata()
worker_disks = WorkerDisks()
worker_address = WorkerAddress()
worker_key_pair = WorkerKeyPair()
worker_template = WorkerTemplate()
