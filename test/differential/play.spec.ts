import assert from 'node:assert/strict'
import fc from 'fast-check'
import { startApi } from '../support/http.ts'
import { createRegistry } from '../support/registry-setup.ts'
import { sequences } from './arbitrary.ts'
import { Unexplained, play } from './play.ts'
import { describeUnexplained } from './report.ts'
import { Wire } from './wire.ts'
import type { MemoryService } from '../support/memory-service.ts'
import type { Step } from './step.ts'
import type { Answer, Request, Sender } from './wire.ts'

/** A registry in this process, over memory. */
async function startMemory(stack: AsyncDisposableStack): Promise<Wire> {
  const { service } = await createRegistry()
  const api = await startApi({ service: service as unknown as MemoryService })
  stack.defer(() => api.close())
  return stack.use(new Wire(`127.0.0.1:${api.port}`))
}

type Alter = (answer: Answer, request: Request) => Answer

/** A bug: what the registry answers is changed on its way. */
function altered(wire: Sender, alter: Alter): Sender {
  return { send: async (request) => alter(await wire.send(request), request) }
}

const without =
  (name: string, status: number): Alter =>
  (answer) => {
    if (answer.status !== status) return answer
    const { [name]: _gone, ...headers } = answer.headers
    return { ...answer, headers }
  }

const BUGS: Readonly<Record<string, Alter>> = {
  'no Docker-Content-Digest in a 201': without('docker-content-digest', 201),
  'no Range in a 202': without('range', 202),
  'a deleted tag that answers 200': (answer, { method, path }) =>
    method === 'DELETE' && path.includes('/manifests/') && answer.status === 202
      ? { ...answer, status: 200 }
      : answer,
  'the last tag of a list missing': (answer, { path }) => {
    if (!path.includes('/tags/list') || answer.status !== 200) return answer
    const { name, tags } = JSON.parse(answer.body.toString()) as { name: string; tags: string[] }
    return { ...answer, body: Buffer.from(JSON.stringify({ name, tags: tags.slice(0, -1) })) }
  },
  'a byte of a manifest changed': (answer, { path, method }) => {
    if (method !== 'GET' || !path.includes('/manifests/') || answer.status !== 200) return answer
    return { ...answer, body: Buffer.from(answer.body.toString().replace('2', '3')) }
  },
  'BLOB_UNKNOWN in place of MANIFEST_UNKNOWN': (answer) => ({
    ...answer,
    body: Buffer.from(
      answer.body.toString('latin1').replace('MANIFEST_UNKNOWN', 'BLOB_UNKNOWN'),
      'latin1',
    ),
  }),
}

describe('differential: playing a sequence', function () {
  this.timeout(60_000)
  const stack = new AsyncDisposableStack()
  let one: Wire
  let other: Wire
  let played = 0
  before(async () => {
    one = await startMemory(stack)
    other = await startMemory(stack)
  })
  after(() => stack.disposeAsync())

  const nextPrefix = (): string => `d${String(played++).padStart(5, '0')}`

  it('finds nothing between a registry and another one of the same kind', async () => {
    let exchanges = 0
    const onExchange = (): void => void exchanges++
    const wires = { heliport: one, reference: other }
    await fc.assert(
      fc.asyncProperty(sequences, (steps) =>
        play(steps, { wires, prefix: nextPrefix(), onExchange }),
      ),
      { numRuns: 30, seed: 1, unbiased: true },
    )
    assert.ok(exchanges > 300, `only ${exchanges} requests`)
  })

  for (const [bug, alter] of Object.entries(BUGS)) {
    it(`finds a bug in a few sequences: ${bug}`, async () => {
      const wires = { heliport: altered(one, alter), reference: other }
      const found = await fc.check(
        fc.asyncProperty(sequences, (steps) => play(steps, { wires, prefix: nextPrefix() })),
        { numRuns: 100, seed: 2, unbiased: true, endOnFailure: true },
      )
      assert.ok(
        found.errorInstance instanceof Unexplained,
        `not found: ${String(found.errorInstance)}`,
      )
    })
  }

  it('says what differs as a sequence of commands, with both answers', async () => {
    const steps: Step[] = [
      { do: 'start', repository: 'a', blob: 'json' },
      { do: 'finish', upload: 0, amount: 'the rest', range: 'right', digest: 'right' },
    ]
    const wires = {
      heliport: altered(one, without('docker-content-digest', 201)),
      reference: other,
    }
    const error = await play(steps, { wires, prefix: 'p' }).then(
      () => assert.fail('nothing was found'),
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof Unexplained)
    const text = describeUnexplained(error)
    assert.match(text, /1\. curl -i --path-as-is -X POST "\$REGISTRY\/v2\/p\/a\/blobs\/uploads\/"/)
    assert.match(text, /# Heliport 202; reference 202, upload-1/)
    assert.match(
      text,
      /-X PUT .*-H 'Content-Range: 0-1' --data-binary '\{\}' "\$REGISTRY\/v2\/p\/a\/blobs\/uploads\/<upload-1>\?digest=sha256:/,
    )
    assert.match(
      text,
      /docker-content-digest\n {2}Heliport: {2}none\n {2}reference: sha256:[0-9a-f]{64}/,
    )
  })

  it('leaves no upload open', async () => {
    const wires = { heliport: one, reference: other }
    await play([{ do: 'start', repository: 'a', blob: 'json' }], {
      wires,
      prefix: 'left',
      onExchange: ({ heliport }) => void (location = String(heliport.headers.location)),
    })
    const { status } = await one.send({ method: 'GET', path: location, headers: {} })
    assert.equal(status, 404)
  })
  let location = ''
})
