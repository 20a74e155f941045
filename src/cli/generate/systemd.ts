/** A unit that runs a member under a user of its own, with no more rights than it needs. */
export function systemdUnit(binary: string, configFile: string): string[] {
  return `# /etc/systemd/system/hiqlite.service
# The configuration has the secrets: root owns it with mode 0600, and the unit hands it over.
[Unit]
Description=Hiqlite, a replicated SQLite database
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
ExecStart=${binary} serve --config-file %d/hiqlite.toml --log-format json
LoadCredential=hiqlite.toml:${configFile}
Environment=HQL_DATA_DIR=%S/hiqlite
DynamicUser=yes
StateDirectory=hiqlite
StateDirectoryMode=0700
# Certificates are read again.
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
# A wrong command line stays wrong.
RestartPreventExitStatus=2
# A stop hands leadership over and waits for answers under way.
TimeoutStopSec=30
KillMode=mixed
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
UMask=0077
# The JavaScript engine compiles at run time.
MemoryDenyWriteExecute=no

[Install]
WantedBy=multi-user.target`.split("\n");
}
