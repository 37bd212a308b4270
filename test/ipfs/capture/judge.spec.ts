import assert from 'node:assert/strict'
import { judge, mentions } from './judge.ts'
import { readCapture } from './packets.ts'
import type { Rules } from './judge.ts'

const US = '10.99.0.1'
const PEER = '10.99.0.2'
const STRANGER = '10.99.0.4'

/** A file as tcpdump writes it. */
function capture(...frames: Buffer[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt32LE(1, 20)
  const records = frames.flatMap((frame) => {
    const record = Buffer.alloc(16)
    record.writeUInt32LE(frame.length, 8)
    return [record, frame]
  })
  return Buffer.concat([header, ...records])
}

const octets = (address: string) => Buffer.from(address.split('.').map(Number))

function ethernet(type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(14)
  header.writeUInt16BE(type, 12)
  return Buffer.concat([header, payload])
}

function ip4(from: string, to: string, protocol: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(24) // with options, which are to be passed over
  header.writeUInt8(0x46, 0)
  header.writeUInt8(protocol, 9)
  octets(from).copy(header, 12)
  octets(to).copy(header, 16)
  return ethernet(0x0800, Buffer.concat([header, payload]))
}

function tcp(from: string, to: string, flags: number, text = ''): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(4001, 2)
  header.writeUInt8(flags, 13)
  return ip4(from, to, 6, Buffer.concat([header, Buffer.from(text)]))
}

function udp(from: string, to: string, port: number): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(port, 2)
  return ip4(from, to, 17, header)
}

function arp(from: string, to: string): Buffer {
  const payload = Buffer.alloc(28)
  octets(from).copy(payload, 14)
  octets(to).copy(payload, 24)
  return ethernet(0x0806, payload)
}

/** A report of multicast groups, which has a header of its own in between. */
function groups6(to: Buffer): Buffer {
  const header = Buffer.alloc(48)
  header.writeUInt8(0x60, 0)
  header.writeUInt8(0, 6)
  Buffer.from('fe80000000000000000000000000abcd', 'hex').copy(header, 8)
  to.copy(header, 24)
  header.writeUInt8(58, 40)
  return ethernet(0x86dd, Buffer.concat([header, Buffer.alloc(8)]))
}

const [SYN, SYN_ACK, ACK] = [0x02, 0x12, 0x10]
const rules: Rules = {
  own: [US, 'fe80::abcd'],
  calls: [PEER],
  answers: [STRANGER],
  mdns: true,
  kernel: true,
}
const judged = (frame: Buffer, changes: Partial<Rules> = {}) =>
  judge(readCapture(capture(frame)), { ...rules, ...changes }).violations

describe('the judge of a capture', () => {
  const listeners = Buffer.from('ff020000000000000000000000000016', 'hex')
  const fine: Array<[string, Buffer]> = [
    ['a call of a peer', tcp(US, PEER, SYN)],
    ['an answer to a stranger', tcp(US, STRANGER, SYN_ACK)],
    ['a question by multicast', udp(US, '224.0.0.251', 5353)],
    ['a search for a peer', arp(US, PEER)],
    ['membership of a group', groups6(listeners)],
    ['what others do', tcp(PEER, '8.8.8.8', SYN)],
  ]
  for (const [what, frame] of fine)
    it(`lets pass ${what}`, () => assert.deepEqual(judged(frame), []))

  const wrong: Array<[string, Buffer, Partial<Rules>, string]> = [
    ['a call of a stranger', tcp(US, STRANGER, SYN), {}, 'a call by tcp to 10.99.0.4 port 4001'],
    ['a call of the world', tcp(US, '8.8.8.8', SYN), {}, 'a call by tcp to 8.8.8.8 port 4001'],
    ['an answer to the world', tcp(US, '8.8.8.8', ACK), {}, 'tcp to 8.8.8.8 port 4001'],
    ['a DNS query', udp(US, PEER, 53), {}, 'a DNS query to 10.99.0.2 port 53'],
    ['mDNS where it is not meant', udp(US, '224.0.0.251', 5353), { mdns: false }, 'udp to 224.'],
    ['another multicast', udp(US, '239.255.255.250', 1900), {}, 'udp to 239.255.255.250 port 1900'],
    ['a search for others', arp(US, '10.99.0.254'), {}, 'arp to 10.99.0.254'],
    ['any search in offline', arp(US, PEER), { kernel: false }, 'arp to 10.99.0.2'],
    ['a ping', ip4(US, PEER, 1, Buffer.alloc(8)), {}, 'icmp to 10.99.0.2'],
    ['another protocol', ip4(US, PEER, 132, Buffer.alloc(8)), {}, 'other to 10.99.0.2'],
  ]
  for (const [what, frame, changes, complaint] of wrong)
    it(`sees ${what}`, () => {
      const [line = '', ...more] = judged(frame, changes)
      assert.ok(line.startsWith(complaint), line)
      assert.deepEqual(more, [])
    })

  it('counts, and names each kind of violation once', () => {
    const frames = [tcp(US, PEER, SYN), tcp(US, PEER, ACK), arp(US, PEER), udp(US, PEER, 53)]
    const verdict = judge(readCapture(capture(...frames, ...frames)), rules)
    const { sent, peers, mdns, kernel, violations } = verdict
    assert.deepEqual([sent, peers, mdns, kernel, violations.length], [8, 4, 0, 2, 1])
  })

  it('finds words in what a host sent, and only there', () => {
    const packets = readCapture(capture(tcp(US, PEER, ACK, 'secret'), tcp(PEER, US, ACK, 'other')))
    assert.ok(mentions(packets, [US], Buffer.from('secret')))
    assert.ok(!mentions(packets, [US], Buffer.from('other')))
  })

  it('refuses what is no capture', () => {
    assert.throws(() => readCapture(Buffer.alloc(100)), /no capture/)
  })
})
