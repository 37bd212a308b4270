/** One answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number
  /** In the order of the wire, names in lower case. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
  /** Statuses of the interim answers before it (`100`). */
  readonly interim: readonly number[]
}

/** What was received is not an HTTP/1.1 message (RFC 9112), or has a body of another length than it says. */
export class MalformedAnswer extends Error {
  static override readonly name = 'MalformedAnswer'
  override readonly name = 'MalformedAnswer'
}

/** The values of a header, in the order of the wire. */
export function headersOf(answer: WireAnswer, name: string): string[] {
  return answer.headers.flatMap(([key, value]) => (key === name ? [value] : []))
}

/** The value of a header that comes once. */
export function headerOf(answer: WireAnswer, name: string): string | undefined {
  return headersOf(answer, name)[0]
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]*$/
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|)$/

/**
 * Takes the first answer off what was received, as strictly as RFC 9112 allows a server to be read: no bare line feeds,
 * no folding, nothing but visible ASCII in values, one way to tell the length.
 *
 * @param method of the request: an answer to HEAD has no body
 * @param closed whether nothing more will come
 * @returns `undefined` when there is not enough yet
 * @throws MalformedAnswer
 */
export function takeAnswer(
  received: Buffer,
  method: string,
  closed: boolean,
): { answer: WireAnswer; used: number } | undefined {
  const interim: number[] = []
  let start = 0
  for (;;) {
    const head = takeHead(received, start)
    if (head === undefined) return incomplete(received, start, closed)
    if (head.status >= 200) {
      const body = takeBody(received, head, method)
      if (body === undefined) return incomplete(received, start, closed)
      const { status, headers } = head
      return { answer: { status, headers, body: body.bytes, interim }, used: body.end }
    }
    interim.push(head.status)
    start = head.end
  }
}

function incomplete(received: Buffer, start: number, closed: boolean): undefined {
  if (closed && start < received.length) throw malformed('it was cut short', received)
  return undefined
}

interface Head {
  status: number
  headers: [string, string][]
  /** Where the body begins. */
  end: number
}

function takeHead(received: Buffer, start: number): Head | undefined {
  const end = received.indexOf('\r\n\r\n', start)
  if (end === -1) {
    if (received.length - start > 64 * 1024) throw malformed('its headers have no end', received)
    return undefined
  }
  const [first = '', ...lines] = received.toString('latin1', start, end).split('\r\n')
  const status = Number(STATUS_LINE.exec(first)?.[1])
  if (Number.isNaN(status)) throw malformed(`its status line is ${JSON.stringify(first)}`, received)
  const headers = lines.map((line): [string, string] => {
    const [, name, value] = FIELD.exec(line) ?? []
    if (name === undefined || value === undefined)
      throw malformed(`it has the header ${JSON.stringify(line)}`, received)
    return [name.toLowerCase(), value]
  })
  return { status, headers, end: end + 4 }
}

function takeBody(
  received: Buffer,
  { status, headers, end }: Head,
  method: string,
): { bytes: Buffer; end: number } | undefined {
  const lengths = headers.filter(([name]) => name === 'content-length')
  const codings = headers.filter(([name]) => name === 'transfer-encoding')
  if (lengths.length + codings.length > 1)
    throw malformed('it tells its length more than once', received)
  const bodiless = status === 204 || status === 304
  if (bodiless && lengths.length > 0 && status === 204)
    throw malformed('a 204 has a length', received)
  if (method === 'HEAD' || bodiless) return { bytes: Buffer.alloc(0), end }
  if (codings.length > 0) return takeChunks(received, end, codings[0]?.[1] ?? '')
  const length = lengths[0]?.[1]
  if (length === undefined) throw malformed('it does not tell its length', received)
  if (!/^\d{1,15}$/.test(length)) throw malformed(`its length is ${length}`, received)
  const last = end + Number(length)
  return received.length < last ? undefined : { bytes: received.subarray(end, last), end: last }
}

function takeChunks(
  received: Buffer,
  start: number,
  coding: string,
): { bytes: Buffer; end: number } | undefined {
  if (coding !== 'chunked') throw malformed(`its coding is ${coding}`, received)
  const parts: Buffer[] = []
  for (let at = start; ;) {
    const line = received.indexOf('\r\n', at)
    if (line === -1) return undefined
    const size = received.toString('latin1', at, line)
    if (!/^[0-9a-f]{1,8}$/i.test(size)) throw malformed(`a chunk has the size ${size}`, received)
    const end = line + 2 + Number.parseInt(size, 16)
    if (received.length < end + 2) return undefined
    if (received.toString('latin1', end, end + 2) !== '\r\n')
      throw malformed('a chunk has another size than it says', received)
    if (end === line + 2) return { bytes: Buffer.concat(parts), end: end + 2 }
    parts.push(received.subarray(line + 2, end))
    at = end + 2
  }
}

function malformed(why: string, received: Buffer): MalformedAnswer {
  const start = JSON.stringify(received.toString('latin1', 0, 400))
  return new MalformedAnswer(`the answer is not well-formed: ${why}; received: ${start}`)
}
