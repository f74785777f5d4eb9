#!/bin/bash
# Turns a fresh Amazon Linux 2023 machine into a Chirp server. This text is the same for every server of a stack and in
# every phase: AWS stops and starts an instance whose user data changes, and doesn't run it again. So what changes (code,
# environment) comes from the release parameter, and only the next two lines are filled in.
RELEASE=
REGION=

set -euo pipefail
home="${ROOT:-}/opt/chirp"
units="${ROOT:-}/etc/systemd/system"
mkdir -p "$home" "$units" "${ROOT:-}/etc/logrotate.d"

# The first minutes of a machine's life are unreliable: its public address may change under it, permissions may still be
# spreading, the release may not be written yet. Whoever waits for this server has the deadline, not this script.
again() { until "$@"; do echo "trying again in 2 seconds: $*" >&2; sleep 2; done; }

again dnf install -y nodejs24 amazon-cloudwatch-agent logrotate
node=$(command -v node-24 || command -v node)

cat >"$home/environment" <<END
RELEASE=$RELEASE
AWS_REGION=$REGION
END

# Brings agent.mjs to the version that the release names; runs now and before every start of the service.
cat >"$home/fetch-agent" <<'END'
#!/bin/bash
set -euo pipefail
cd "$(dirname "$0")"
. ./environment
release=$(aws ssm get-parameter --name "$RELEASE" --region "$AWS_REGION" --query Parameter.Value --output text)
agent='"agent":\{"bucket":"([^"]+)","key":"([^"]+)","sha256":"([0-9a-f]{64})"\}'
[[ $release =~ $agent ]] || { echo "$RELEASE names no agent: $release" >&2; exit 1; }
bucket=${BASH_REMATCH[1]} key=${BASH_REMATCH[2]} sha256=${BASH_REMATCH[3]}
echo "$sha256  agent.mjs" | sha256sum --check --status 2>/dev/null && exit 0
aws s3api get-object --bucket "$bucket" --key "$key" --region "$AWS_REGION" agent.new >/dev/null
echo "$sha256  agent.new" | sha256sum --check --status || { echo "$key is not what $RELEASE promises" >&2; exit 1; }
mv agent.new agent.mjs
END
chmod 755 "$home/fetch-agent"
again "$home/fetch-agent"

cat >"$home/logs.json" <<END
{"logs": {"logs_collected": {"files": {"collect_list": [
  {"file_path": "/var/log/chirp.log", "log_group_name": "${RELEASE%/release*}/servers", "log_stream_name": "{instance_id}"},
  {"file_path": "/var/log/cloud-init-output.log", "log_group_name": "${RELEASE%/release*}/servers", "log_stream_name": "{instance_id}/boot"}
]}}}}
END

cat >"${ROOT:-}/etc/logrotate.d/chirp" <<END
/var/log/chirp.log {
  size 50M
  rotate 2
  copytruncate
  missingok
}
END

# systemd holds the listening socket, so connections wait instead of failing while the agent restarts, and nothing
# here needs the right to open a low port.
cat >"$units/chirp.socket" <<END
[Unit]
Description=Chirp's door

[Socket]
ListenStream=80
Backlog=4096

[Install]
WantedBy=sockets.target
END

cat >"$units/chirp.service" <<END
[Unit]
Description=Chirp: the agent and the server it runs
Requires=chirp.socket
After=chirp.socket network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
EnvironmentFile=$home/environment
ExecStartPre=-+$home/fetch-agent
ExecStart=$node $home/agent.mjs
ExecStartPost=-+/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:$home/logs.json
Restart=always
RestartSec=1
KillMode=mixed
TimeoutStopSec=40
StandardOutput=append:/var/log/chirp.log
StandardError=inherit
DynamicUser=yes
StateDirectory=chirp
CapabilityBoundingSet=
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
END

systemctl daemon-reload
systemctl enable --now logrotate.timer
systemctl enable --now chirp.service
