import type { ResourceRecord } from "../aws/record.ts";
import type { LocalAws } from "../local-aws.ts";

/** Settings of a parameter group that MariaDB has under the same name. */
const sharedSettings = new Set([
  "binlog_format",
  "binlog_row_image",
  "binlog_row_metadata",
  "character_set_server",
  "collation_server",
  "innodb_lock_wait_timeout",
  "max_allowed_packet",
  "max_connections",
  "wait_timeout",
]);

/**
 * A copy is read once, from end to end: what it has read it need not remember. Beside the instance that it is a copy of
 * it should take as little of this machine as it can.
 */
const frugal = {
  aria_pagecache_buffer_size: "8M",
  innodb_buffer_pool_size: "16M",
  innodb_log_buffer_size: "2M",
  key_buffer_size: "1M",
  table_open_cache: "64",
  thread_cache_size: "4",
};

/** The server's variables, from the instance's parameter group and from what it is. */
export function settingsOf({ urn, id, inputs }: ResourceRecord, aws: LocalAws): Record<string, string> {
  const groups = aws.registry.ofType("aws:rds/parameterGroup:ParameterGroup");
  const group = groups.find((record) => record.id === inputs.parameterGroupName);
  const parameters = (group?.inputs.parameters ?? []) as { name: string; value: string }[];
  const others = parameters.filter(({ name }) => !sharedSettings.has(name)).map(({ name }) => name);
  if (others.length > 0)
    aws.log(`${urn}: MariaDB has nothing that corresponds to ${others.join(", ")}; recorded, without effect here`);
  return {
    // Every instance is a server of its own, whatever it was restored from: who follows one must notice another.
    server_id: String(1 + Number.parseInt(id.slice(3, 10), 16)),
    ...(inputs.snapshotIdentifier !== undefined && frugal),
    // As on RDS: no backups, no binlog.
    ...(inputs.backupRetentionPeriod === 0 && { skip_log_bin: "" }),
    ...Object.fromEntries(
      parameters.filter(({ name }) => sharedSettings.has(name)).map(({ name, value }) => [name, value]),
    ),
  };
}
