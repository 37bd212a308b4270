import { request } from 'node:http'
import type { GcReport } from '../../src/daemon/gc-report.ts'

/** What a daemon said to being told to collect. */
export interface Collected {
  readonly status: number
  /** The end of the answer, for whoever asks why. */
  readonly text: string
  readonly report: GcReport | undefined
}

/** Has a daemon collect garbage, over its socket, and waits until it has. */
export async function collectOnce(socketPath: string): Promise<Collected> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const headers = { Host: 'localhost', 'Content-Type': 'application/json' }
  const sent = request({ socketPath, method: 'POST', path: '/api/v1/gc', headers }, (answer) => {
    let text = ''
    answer.setEncoding('utf8')
    answer.on('data', (part: string) => (text += part))
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    answer.on('error', reject)
  })
  sent.on('error', reject)
  sent.end('{}')
  const { status, text } = await promise
  const line = text.split('\n').find((each) => each.startsWith('{"report"')) ?? '{}'
  const { report } = JSON.parse(line) as { report?: GcReport }
  return { status, text: text.slice(-300), report }
}
