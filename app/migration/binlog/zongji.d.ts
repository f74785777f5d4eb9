/** What of the package has no types of its own, as far as it is used here. */
declare module "@powersync/mysql-zongji/lib/sequence/binlog.js" {
  /** The parser of the driver, while it hands over a packet. */
  export interface PacketParser {
    readonly _buffer: Buffer;
    /** Where the packet begins in the buffer. */
    readonly _offset: number;
    readonly _packetEnd: number;
  }

  export interface Packet {
    parse(parser: PacketParser): void;
  }

  /** A request of the replication protocol and the packets that answer it. */
  export interface BinlogSequence {
    /** Class of the packet by its first byte; the driver then calls the sequence's method of that class's name. */
    determinePacket(firstByte: number, parser: PacketParser): (new () => Packet) | undefined;
    end(error?: Error): void;
  }

  /** Where to begin, and as which server. */
  export interface DumpOptions {
    readonly serverId: number;
    readonly filename: string;
    /** 32 bits. */
    readonly position: number;
  }

  export default function initBinlogClass(options: {
    get(): DumpOptions;
    readonly useChecksum: boolean;
  }): new (callback: (error?: Error) => void) => BinlogSequence;
}
