/** A packet as it was on the wire, as far as anybody can see who looks at it. */
export interface Packet {
  readonly kind: 'arp' | 'tcp' | 'udp' | 'icmp' | 'igmp' | 'icmp6' | 'other'
  /** IP addresses; of ARP the one that speaks, and the one that is asked for. */
  readonly from: string
  readonly to: string
  /** Of TCP and UDP. */
  readonly port?: number
  /** A TCP connection begins with it. */
  readonly isCall: boolean
  /** The whole frame. */
  readonly bytes: Buffer
}

const [FILE_HEADER, RECORD_HEADER, ETHERNET] = [24, 16, 14]
const MAGIC = 0xa1b2c3d4
const ETHERNET_LINK = 1

/**
 * Reads what `tcpdump -w` wrote (pcap savefile format, little endian, Ethernet).
 *
 * @throws when it is something else
 */
export function readCapture(file: Buffer): Packet[] {
  if (file.readUInt32LE(0) !== MAGIC || file.readUInt32LE(20) !== ETHERNET_LINK)
    throw new Error('this is no capture of an Ethernet interface')
  const packets: Packet[] = []
  for (let at = FILE_HEADER; at + RECORD_HEADER <= file.length;) {
    const length = file.readUInt32LE(at + 8)
    const begin = at + RECORD_HEADER
    packets.push(readFrame(file.subarray(begin, begin + length)))
    at = begin + length
  }
  return packets
}

function readFrame(bytes: Buffer): Packet {
  const payload = bytes.subarray(ETHERNET)
  switch (bytes.readUInt16BE(12)) {
    case 0x0806:
      return { kind: 'arp', from: ip4(payload, 14), to: ip4(payload, 24), isCall: false, bytes }
    case 0x0800:
      return readIp4(bytes, payload)
    case 0x86dd:
      return readIp6(bytes, payload)
    default:
      return { kind: 'other', from: '', to: '', isCall: false, bytes }
  }
}

function readIp4(bytes: Buffer, payload: Buffer): Packet {
  const headerLength = (payload.readUInt8(0) & 0x0f) * 4
  const ends = { from: ip4(payload, 12), to: ip4(payload, 16) }
  return above(bytes, ends, payload.readUInt8(9), payload.subarray(headerLength))
}

function readIp6(bytes: Buffer, payload: Buffer): Packet {
  const ends = { from: ip6(payload, 8), to: ip6(payload, 24) }
  const next = payload.readUInt8(6)
  // A hop-by-hop header stands before reports of multicast groups; its first byte says what follows.
  if (next === 0) {
    const length = (payload.readUInt8(41) + 1) * 8
    return above(bytes, ends, payload.readUInt8(40), payload.subarray(40 + length))
  }
  return above(bytes, ends, next, payload.subarray(40))
}

function above(
  bytes: Buffer,
  ends: { from: string; to: string },
  protocol: number,
  payload: Buffer,
): Packet {
  const plain = { ...ends, isCall: false, bytes }
  switch (protocol) {
    case 6: {
      const flags = payload.readUInt8(13)
      return {
        ...plain,
        kind: 'tcp',
        port: payload.readUInt16BE(2),
        isCall: (flags & 0x12) === 0x02,
      }
    }
    case 17:
      return { ...plain, kind: 'udp', port: payload.readUInt16BE(2) }
    case 1:
      return { ...plain, kind: 'icmp' }
    case 2:
      return { ...plain, kind: 'igmp' }
    case 58:
      return { ...plain, kind: 'icmp6' }
    default:
      return { ...plain, kind: 'other' }
  }
}

function ip4(bytes: Buffer, at: number): string {
  return [...bytes.subarray(at, at + 4)].join('.')
}

function ip6(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
