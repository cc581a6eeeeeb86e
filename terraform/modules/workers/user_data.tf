locals {
  # What libpq and the workers read. PGSSLROOTCERT=system (libpq 16) trusts the public Amazon roots,
  # which sign the certificates of proxies; the RDS bundle does not hold them.
  environment = {
    AWS_REGION                    = var.region
    NEXUS_CONNECTIONS_PER_PROCESS = var.connections_per_process
    NEXUS_DATABASE_AUTH           = "iam-token"
    PGDATABASE                    = var.database_name
    PGHOST                        = var.proxy_endpoint
    PGPORT                        = var.proxy_port
    PGSSLMODE                     = "verify-full"
    PGSSLROOTCERT                 = "system"
    PGUSER                        = var.database_username
  }

  user_data = templatefile("${path.module}/templates/cloud-config.yaml.tftpl", {
    units = join(", ", [
      for process in range(1, var.processes_per_instance + 1) : "keystone-nexus-worker@${process}.service"
    ])

    # JSON strings are YAML strings: cloud-init writes these files byte for byte, and no shell, no
    # systemd unit and no YAML parser gets to interpret what is in them.
    script = jsonencode("#!/bin/bash\n${var.command}\n")
    environment_file = jsonencode(join("", [
      # A JSON string reads the same to systemd and to the shell: no value holds $ or a backquote.
      for key, value in local.environment : "${key}=${jsonencode(tostring(value))}\n"
    ]))
  })
}
