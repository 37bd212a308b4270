import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** What a name server says of one name. Names are in lower case. */
export interface Zone {
  /** Each record as its pieces, of 255 bytes at most. */
  readonly txt?: readonly (readonly string[])[]
  /** The name it is an alias of; the target's TXT records are sent along, as most servers do, unless `bare`. */
  readonly cname?: string
  readonly bare?: boolean
  /** Instead of an answer. */
  readonly fault?: 'nothing' | 'failure' | 'junk' | 'other name' | 'other id'
}

const TXT = 16
const CNAME = 5
const FAILURE = 2
const NO_SUCH_NAME = 3
/** What fits into a datagram (RFC 1035 §4.2.1). */
const DATAGRAM = 512

/** A name server on loopback, by datagram and by TCP (RFC 1035), that says whatever a test wants it to. */
export class OwnDns implements AsyncDisposable {
  readonly zones = new Map<string, Zone>()
  /** What was asked: type, name, way. */
  readonly asked: string[] = []
  readonly #udp = createSocket('udp4')
  readonly #sockets = new Set<Socket>()
  readonly #tcp = createServer((socket) => this.#converse(socket))

  static async start(): Promise<OwnDns> {
    const server = new OwnDns()
    server.#tcp.listen(0, '127.0.0.1')
    await once(server.#tcp, 'listening')
    server.#udp.on('message', (query, { address, port }) => {
      const answer = server.#answer(query, 'udp')
      if (answer !== undefined) server.#udp.send(answer, port, address)
    })
    server.#udp.bind((server.#tcp.address() as AddressInfo).port, '127.0.0.1')
    await once(server.#udp, 'listening')
    return server
  }

  /** `address:port`. */
  get address(): string {
    return `127.0.0.1:${(this.#tcp.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#udp.close()
    this.#tcp.close()
    await once(this.#tcp, 'close')
  }

  #converse(socket: Socket): void {
    this.#sockets.add(socket.on('error', () => undefined))
    let waiting = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes])
      const length = waiting.length < 2 ? Infinity : waiting.readUInt16BE(0)
      if (waiting.length < 2 + length) return
      const answer = this.#answer(waiting.subarray(2, 2 + length), 'tcp')
      waiting = waiting.subarray(2 + length)
      if (answer !== undefined) socket.write(Buffer.concat([number16(answer.length), answer]))
    })
  }

  #answer(query: Buffer, way: 'udp' | 'tcp'): Buffer | undefined {
    const { name, type, question } = readQuestion(query)
    this.asked.push(`${type === TXT ? 'TXT' : type === CNAME ? 'CNAME' : type} ${name} ${way}`)
    const zone = this.zones.get(name)
    const head = { id: query.readUInt16BE(0), question }
    switch (zone?.fault) {
      case 'nothing':
        return undefined
      case 'junk':
        return Buffer.from('this is no answer')
      case 'failure':
        return message({ ...head, code: FAILURE })
      case 'other id':
        return message({ ...head, id: head.id ^ 1, records: this.#records(name, type) })
      case 'other name':
        return message({
          ...head,
          question: writeQuestion('evil.example', type),
          records: this.#records(name, type),
        })
      case undefined:
    }
    if (zone === undefined) return message({ ...head, code: NO_SUCH_NAME })
    const whole = message({ ...head, records: this.#records(name, type) })
    return way === 'udp' && whole.length > DATAGRAM ? message({ ...head, isCut: true }) : whole
  }

  #records(name: string, type: number): Buffer[] {
    const zone = this.zones.get(name)
    if (zone?.cname !== undefined) {
      const alias = record(name, CNAME, writeName(zone.cname))
      const rest = type === CNAME || zone.bare === true ? [] : this.#records(zone.cname, type)
      return type === CNAME || rest.length > 0 ? [alias, ...rest] : [alias]
    }
    if (type !== TXT) return []
    return (zone?.txt ?? []).map((pieces) => record(name, TXT, Buffer.concat(pieces.map(piece))))
  }
}

function readQuestion(query: Buffer): { name: string; type: number; question: Buffer } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const name = labels.join('.').toLowerCase()
  return { name, type: query.readUInt16BE(at + 1), question: query.subarray(12, at + 5) }
}

function writeQuestion(name: string, type: number): Buffer {
  return Buffer.concat([writeName(name), number16(type), number16(1)])
}

function writeName(name: string): Buffer {
  return Buffer.concat([...name.split('.').map(piece), Buffer.of(0)])
}

/** A length of one byte, and the text. */
function piece(text: string): Buffer {
  return Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)])
}

function record(name: string, type: number, data: Buffer): Buffer {
  const life = Buffer.from([0, 0, 0, 60])
  return Buffer.concat([
    writeName(name),
    number16(type),
    number16(1),
    life,
    number16(data.length),
    data,
  ])
}

function message(parts: {
  id: number
  question: Buffer
  records?: readonly Buffer[]
  code?: number
  isCut?: boolean
}): Buffer {
  const { id, question, records = [], code = 0, isCut = false } = parts
  const flags = 0x8180 | (isCut ? 0x0200 : 0) | code
  const counts = [1, records.length, 0, 0].map(number16)
  return Buffer.concat([number16(id), number16(flags), ...counts, question, ...records])
}

function number16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
