import { ZongJi } from "@powersync/mysql-zongji";
import initBinlogClass, {
  type BinlogSequence,
  type PacketParser,
} from "@powersync/mysql-zongji/lib/sequence/binlog.js";
import mysql from "mysql2";
import type { Credentials } from "../../aws/secrets.ts";
import type { DatabaseAddress } from "../../store/mysql/login.ts";
import type { Ask } from "./server.ts";

/** Milliseconds between the server's signs of life while there is nothing to send. */
const heartbeat = 5_000;

/** Milliseconds of silence after which a connection counts as lost: some heartbeats. */
const silence = 4 * heartbeat;

/** Seconds for which the server goes on trying to send while nobody reads; its default of 60 ends longer pauses. */
const writeTimeout = 3600;

/** Milliseconds for a connection to be made. */
const connectTimeout = 5_000;

export interface WireOptions {
  readonly address: DatabaseAddress;
  readonly credentials: Credentials;
  /** Number that this reader goes by among the server's replicas: the server ends an older reader of the same number. */
  readonly serverId: number;
}

/** Receives the events of a binlog as they are. */
export interface EventReceiver {
  /** One event, header included. It is part of a larger buffer: what is kept of it must be copied. */
  event(packet: Buffer): void;
  /** The connection is gone, or the server has refused. Called once, and not after {@link Wire.close}. */
  ended(error: Error): void;
}

/** What of the driver's connection is used beyond its types. */
interface DriverConnection {
  query(sql: string, callback: (error: Error | null, rows: Record<string, unknown>[]) => void): void;
  destroy(): void;
  pause(): void;
  resume(): void;
  readonly _protocol: {
    _enqueue(sequence: BinlogSequence): void;
    once(event: "pipe", listener: (from: Pausable) => void): void;
  };
}

/** What mysql2 gives besides what its types say. */
const profiles = mysql as unknown as { ConnectionConfig: { getSSLProfile(name: string): { ca: string[] } } };

interface Pausable {
  pause(): void;
  resume(): void;
}

/**
 * A connection that a server sends its binlog through. Connection, login, framing and the request are zongji's; what it
 * receives is handed over raw. zongji's own event classes leave out what must be known here: an event's type where it
 * has no class for it, its flags, the length of what it skips, and the names that a table's columns had then.
 */
export class Wire {
  readonly #connection: DriverConnection;
  readonly #serverId: number;
  readonly #failed = Promise.withResolvers<never>();
  #receiver: EventReceiver | undefined;
  #isOver = false;
  #isPaused = false;
  #heardAt = performance.now();
  #watch: NodeJS.Timeout | undefined;
  #encrypted: Pausable | undefined;

  constructor({ address, credentials, serverId }: WireOptions) {
    this.#serverId = serverId;
    const settings = {
      host: address.host,
      port: address.port,
      user: credentials.username,
      password: credentials.password,
      enableKeepAlive: true,
      connectTimeout,
      supportBigNumbers: true,
      bigNumberStrings: true,
      // Amazon's authorities are mysql2's: those that come with zongji's driver are of 2015.
      ...(address.tls ? { ssl: profiles.ConnectionConfig.getSSLProfile("Amazon RDS") } : {}),
    };
    const zongji = new ZongJi(settings);
    zongji.on("error", (error: Error) => this.#end(error));
    this.#connection = zongji.connection as unknown as DriverConnection;
    this.#failed.promise.catch(() => {}); // told to whoever asks or receives
    // Over TLS the driver pauses the wrong socket, and would keep in memory whatever arrives meanwhile.
    this.#connection._protocol.once("pipe", (from) => {
      this.#encrypted = from;
    });
  }

  /** Asks the server itself, before {@link receive}. */
  readonly ask: Ask = (sql) => {
    const answer = new Promise<Record<string, unknown>[]>((resolve, reject) =>
      this.#connection.query(sql, (error, rows) => (error ? reject(error) : resolve(rows))),
    );
    return Promise.race([answer, this.#failed.promise]);
  };

  /** Has the server send its binlog from there on, for as long as the connection holds. */
  async receive(from: { readonly file: string; readonly offset: number }, receiver: EventReceiver): Promise<void> {
    // Under both names: servers before 8.0.26 and MariaDB know the first, later ones the second.
    for (const name of ["master", "source"]) {
      await this.ask(`SET @${name}_heartbeat_period = ${heartbeat * 1e6}`);
      await this.ask(`SET @${name}_binlog_checksum = @@GLOBAL.binlog_checksum`);
    }
    // Else MariaDB rewrites its own events for old readers, and fails where it cannot (those of XA).
    await this.ask("SET @mariadb_slave_capability = 4");
    await this.ask(`SET SESSION net_write_timeout = ${writeTimeout}`);
    this.#receiver = receiver;
    const options = { serverId: this.#serverId, filename: from.file, position: from.offset };
    const Binlog = initBinlogClass({ get: () => options, useChecksum: false });
    const sequence = new Binlog((error) => this.#end(error ?? new Error("the server has ended the binlog")));
    this.#takeOver(sequence, receiver);
    this.#heardAt = performance.now();
    this.#watch = setInterval(() => this.#listen(), heartbeat);
    this.#connection._protocol._enqueue(sequence);
  }

  /** Stops the server from sending, at the end of the event that is being handed over. */
  pause(): void {
    if (this.#isOver || this.#isPaused) return;
    this.#isPaused = true;
    this.#connection.pause();
    this.#encrypted?.pause();
  }

  resume(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    this.#heardAt = performance.now();
    this.#connection.resume();
    this.#encrypted?.resume();
  }

  close(): void {
    this.#receiver = undefined;
    this.#end(new Error("the connection has been closed"));
  }

  #takeOver(sequence: BinlogSequence, receiver: EventReceiver): void {
    const received = (parser: PacketParser) => {
      if (this.#isOver) return;
      this.#heardAt = performance.now();
      // The first byte says that it is an event.
      receiver.event(parser._buffer.subarray(parser._offset + 1, parser._packetEnd));
    };
    class EventPacket {
      parse(parser: PacketParser): void {
        received(parser);
      }
    }
    const others = sequence.determinePacket.bind(sequence);
    Object.assign(sequence, {
      determinePacket: (firstByte: number, parser: PacketParser) =>
        firstByte === 0 ? EventPacket : others(firstByte, parser),
      [EventPacket.name]: () => {},
      // Sent by a server that shuts down.
      EofPacket: () => sequence.end(lost("the server has ended the binlog")),
    });
  }

  #listen(): void {
    if (this.#isPaused || performance.now() - this.#heardAt < silence) return;
    this.#end(lost(`nothing has come for ${silence / 1000} s, not even a heartbeat`));
  }

  #end(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#watch);
    this.#failed.reject(error);
    this.#connection.destroy();
    this.#receiver?.ended(error);
  }
}

function lost(reason: string): Error {
  return Object.assign(new Error(`Connection lost: ${reason}.`), { code: "PROTOCOL_CONNECTION_LOST" });
}
