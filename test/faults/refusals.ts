import assert from 'node:assert/strict'
import { call } from '../support/http.ts'
import { TestNode } from '../support/two-nodes.ts'
import type { Answer, CallOptions } from '../support/http.ts'

/** What a bad request may be answered with: the codes of the distribution-spec, and those clients know besides. */
const CODES = new Set(
  (
    'BLOB_UNKNOWN BLOB_UPLOAD_INVALID BLOB_UPLOAD_UNKNOWN DIGEST_INVALID MANIFEST_BLOB_UNKNOWN MANIFEST_INVALID ' +
    'MANIFEST_UNKNOWN NAME_INVALID NAME_UNKNOWN SIZE_INVALID UNAUTHORIZED DENIED UNSUPPORTED TOOMANYREQUESTS ' +
    'TAG_INVALID PAGINATION_NUMBER_INVALID RANGE_INVALID TOO_LARGE'
  ).split(' '),
)

/** A request that is refused. `id` is the line of the table of bad inputs. */
export interface Refusal extends CallOptions {
  id: string
  what: string
  method: string
  /** As it goes over the wire. */
  path: string
  /** The statuses that are right. */
  status: number | number[]
  /** The codes that are right. */
  code: string | string[]
  /** Whether the answer has no body to look at: HEAD. */
  bodiless?: boolean
}

/** A whole daemon that bad requests are sent to, with nothing between the request and the wire. */
export class Target {
  #node: TestNode | undefined

  get node(): TestNode {
    return this.#node ?? assert.fail('the daemon runs only inside its describe')
  }

  /** Starts it before the specs of this block, and stops it after them. */
  use(): this {
    before(async () => {
      this.#node = await TestNode.start()
    })
    after(() => this.#node?.[Symbol.asyncDispose]())
    return this
  }

  call(method: string, path: string, options?: CallOptions): Promise<Answer> {
    return call({ port: this.node.port }, method, path, options)
  }

  /** The root of the tree: what was not changed has the same. */
  async root(): Promise<string> {
    return (await this.node.status()).storage.root
  }

  /** A spec that sends each of them. */
  refuses(title: string, refusals: readonly Refusal[]): void {
    it(`${title} is refused and changes nothing`, async () => {
      for (const refusal of refusals) await this.refuse(refusal)
    })
  }

  /** Sends one, and looks at the answer, the tree and the daemon. */
  async refuse(refusal: Refusal): Promise<Answer> {
    const { id, what, method, path, status, code, bodiless = false, ...options } = refusal
    const label = `${id} ${what}: ${method} ${path.slice(0, 200)}`
    const before = await this.root()
    const answer = await this.call(method, path, options)
    const told = `${label}: ${answer.status} ${answer.body.subarray(0, 300).toString()}`
    assert.ok([status].flat().includes(answer.status), told)
    if (!bodiless) {
      assert.ok([code].flat().includes(answer.code() ?? ''), told)
      isErrorBody(answer, told)
    }
    assert.equal(await this.root(), before, `${label}: the tree has changed`)
    assert.equal((await this.call('GET', '/healthz')).status, 200, label)
    return answer
  }
}

/** An error body as clients read it, without anything of this machine or program in it. */
export function isErrorBody(answer: Answer, label: string): void {
  const { errors } = answer.json() as { errors: { code: string; message: string }[] }
  assert.equal(answer.headers['content-type'], 'application/json', label)
  assert.ok(errors.length > 0, label)
  for (const { code, message } of errors) {
    assert.ok(CODES.has(code), label)
    assert.ok(typeof message === 'string' && message !== '', label)
  }
  assert.doesNotMatch(
    answer.body.toString(),
    /\n {4}at |\.ts:\d|node:internal|heliport-node-/,
    label,
  )
}
