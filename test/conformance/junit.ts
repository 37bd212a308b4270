/** One test of a JUnit report. */
export interface JunitCase {
  readonly name: string
  /** As the program wrote it: `passed`, `skipped`, `failure`, `failed`, `error`, … */
  readonly status: string
  /** What the program said about it: a failure's message, its standard output, or why it left it out. */
  readonly message: string
}

export interface JunitReport {
  /** The attributes of the first suite: `tests`, `failures`, `errors`, `skipped`, `disabled`. */
  readonly totals: Readonly<Record<string, string>>
  readonly cases: readonly JunitCase[]
}

/**
 * Reads the JUnit reports of the two conformance suites. Both are written by Go's XML encoder, so a `<`, a `>` or a
 * quote is never inside of an attribute or a text as itself.
 *
 * @throws Error when it is no such report
 */
export function parseJunit(xml: string): JunitReport {
  const suite = /<testsuite\s([^>]*)>/.exec(xml)?.[1]
  if (suite === undefined || !xml.trimEnd().endsWith('</testsuites>'))
    throw new Error('this is no whole JUnit report')
  const cases = xml
    .split('<testcase ')
    .slice(1)
    .map((text): JunitCase => {
      const end = text.indexOf('>')
      const { name = '', status = '' } = attributes(text.slice(0, end))
      return { name, status, message: message(text.slice(end + 1)) }
    })
  return { totals: attributes(suite), cases }
}

function message(body: string): string {
  const attribute = /<(?:failure|error|skipped)\s[^>]*?message="([^"]*)"/.exec(body)?.[1]
  const output = /<system-out>([^<]*)</.exec(body)?.[1]
  // The newer suite writes the reason behind whole requests and answers.
  const skipping = /: skipping test:&#xA;([^<]*)</.exec(body)?.[1]
  return unescape(attribute ?? output ?? skipping ?? '').trim()
}

function attributes(text: string): Record<string, string> {
  const found = text.matchAll(/([\w-]+)="([^"]*)"/g)
  return Object.fromEntries([...found].map(([, name = '', value = '']) => [name, unescape(value)]))
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function unescape(text: string): string {
  return text.replace(/&(?:#x([0-9A-Fa-f]+)|#(\d+)|(\w+));/g, (all, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(String(hex), 16))
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
    return NAMED[String(name)] ?? String(all)
  })
}
