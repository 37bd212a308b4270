import { codesOf, headerOf } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { Unexplained } from './play.ts'
import type { Answer, Request } from './wire.ts'
import type { World } from './world.ts'

/** Longest body that is shown, in bytes. */
const SHOWN = 2000

/** The sequence as commands, each with both answers, and what differs in the last one. */
export function describeUnexplained({ exchanges, differences }: Unexplained): string {
  const last = exchanges.at(-1)
  const wholes =
    last === undefined
      ? []
      : [...whole('Heliport', last.heliport), ...whole('reference', last.reference)]
  return [
    'A difference that is not intended. The sequence:',
    '',
    ...exchanges.map((exchange, at) => describe(exchange, at + 1)),
    '',
    ...differences.map(
      ({ aspect, heliport, reference }) =>
        `${aspect}\n  Heliport:  ${heliport}\n  reference: ${reference}`,
    ),
    '',
    ...wholes,
    `step: ${JSON.stringify(last?.step)}`,
  ].join('\n')
}

/** Uploads are written by their number: each registry has an address of its own for them. */
function describe({ requests, heliport, reference, world }: Exchange, number: number): string {
  const begun = world.uploads.findIndex(
    ({ locations }) => locations.heliport === headerOf(heliport, 'location'),
  )
  const begins = requests.heliport.method === 'POST' && begun >= 0 ? `, upload-${begun + 1}` : ''
  return [
    `${String(number).padStart(3)}. ${command(requests.heliport, world)}`,
    `     # Heliport ${shortOf(heliport)}; reference ${shortOf(reference)}${begins}`,
  ].join('\n')
}

function shortOf(answer: Answer): string {
  return [answer.status, codesOf(answer)].filter((part) => part !== undefined).join(' ')
}

function command({ method, path, headers, body, chunked }: Request, world: World): string {
  const place = world.uploads.reduce((text, { locations }, at) => {
    const id = locations.heliport.split('/').at(-1) ?? ''
    return text.replace(id, `<upload-${at + 1}>`)
  }, path)
  const all = { ...headers, ...(chunked === true && { 'Transfer-Encoding': 'chunked' }) }
  return [
    'curl -i --path-as-is',
    method === 'HEAD' ? '-I' : `-X ${method}`,
    ...Object.entries(all).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined || body.length === 0 ? [] : [`--data-binary ${shown(body)}`]),
    `"$REGISTRY${place}"`,
  ].join(' ')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

function shown(body: Buffer): string {
  const text = body.toString('utf8')
  const isText = body.length <= SHOWN && Buffer.from(text).equals(body) && !/[^\P{C}\n]/u.test(text)
  return isText ? quoted(text) : `<${body.length} bytes>`
}

function whole(name: string, { status, headers, body }: Answer): string[] {
  const text = body.length <= SHOWN ? body.toString('utf8') : `<${body.length} bytes>`
  return [
    `${name}: ${status}`,
    ...Object.entries(headers).map(([header, value]) => `  ${header}: ${String(value)}`),
    `  ${text}`,
    '',
  ]
}
