import type { Packet } from './packets.ts'

/** What a host may put on the wire. */
export interface Rules {
  /** Its own addresses: packets from others are not its doing. */
  readonly own: readonly string[]
  /** Whom it may call by TCP. */
  readonly calls: readonly string[]
  /** Whom it may answer, besides. */
  readonly answers: readonly string[]
  /** Whether it may ask by multicast who is there (RFC 6762). */
  readonly mdns: boolean
  /** Whether the kernel may say what kernels say; where nothing is to be heard it may not. */
  readonly kernel: boolean
}

/** What was on the wire, counted. */
export interface Verdict {
  /** All that left the host. */
  readonly sent: number
  /** TCP with those it may speak to. */
  readonly peers: number
  readonly mdns: number
  /** ARP, neighbours, multicast groups. */
  readonly kernel: number
  /** One line for each kind of packet that should not be. */
  readonly violations: readonly string[]
}

const MDNS = ['224.0.0.251', 'ff02::fb']

/** Judges what left a host. */
export function judge(packets: readonly Packet[], rules: Rules): Verdict {
  const sent = packets.filter(({ from }) => rules.own.includes(from))
  const counts = { peers: 0, mdns: 0, kernel: 0 }
  const violations = new Set<string>()
  for (const packet of sent) {
    const verdict = classify(packet, rules)
    if (verdict === undefined) violations.add(describe(packet))
    else counts[verdict]++
  }
  return { sent: sent.length, ...counts, violations: [...violations] }
}

function classify(packet: Packet, rules: Rules): 'peers' | 'mdns' | 'kernel' | undefined {
  const { kind, to, port, isCall } = packet
  const known = [...rules.calls, ...rules.answers, ...rules.own]
  switch (kind) {
    case 'tcp':
      return (isCall ? rules.calls : known).includes(to) ? 'peers' : undefined
    case 'udp':
      return rules.mdns && port === 5353 && MDNS.includes(to) ? 'mdns' : undefined
    case 'arp':
      return rules.kernel && known.includes(to) ? 'kernel' : undefined
    case 'igmp':
    case 'icmp6':
      return rules.kernel && isNeighbourly(packet) ? 'kernel' : undefined
    case 'icmp':
    case 'other':
      return undefined
  }
}

/** To the neighbours alone: neither kind is ever passed on by a router. */
function isNeighbourly({ to }: Packet): boolean {
  return to.startsWith('224.0.0.') || /^(ff02|fe80|fd99):/.test(to)
}

function describe({ kind, to, port, isCall }: Packet): string {
  const what = kind === 'udp' && port === 53 ? 'a DNS query' : isCall ? 'a call by tcp' : kind
  return `${what} to ${to}${port === undefined ? '' : ` port ${port}`}`
}

/** Whether any packet of a host has these bytes in it, as they are. */
export function mentions(
  packets: readonly Packet[],
  own: readonly string[],
  words: Buffer,
): boolean {
  return packets.some(({ from, bytes }) => own.includes(from) && bytes.includes(words))
}
