import assert from 'node:assert/strict'
import { join } from 'node:path'
import { run } from '../e2e/support/command.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { findTool } from '../tools/find.ts'
import type { TestNode } from '../support/two-nodes.ts'

/** How cosign keeps a signature: as a bundle (cosign 3), under a tag (1 and 2), or as a referrer of old (2). */
export type Way = 'bundle' | 'tag' | 'referrer'

const OLD = ['--use-signing-config=false', '--tlog-upload=false', '--new-bundle-format=false']
const WAYS: Readonly<Record<Way, readonly string[]>> = {
  bundle: ['--signing-config=signing.json'],
  tag: OLD,
  referrer: [...OLD, '--registry-referrers-mode=oci-1-1'],
}

/** The real cosign with two pairs of keys, and nobody to ask. */
export class CosignSigner implements AsyncDisposable {
  readonly directory: string
  readonly #stack: AsyncDisposableStack

  private constructor(directory: string, stack: AsyncDisposableStack) {
    this.directory = directory
    this.#stack = stack
  }

  static async start(): Promise<CosignSigner> {
    await using stack = new AsyncDisposableStack()
    const { path } = stack.use(await temporaryDirectory())
    const signer = new CosignSigner(path, stack.move())
    for (const name of ['cosign', 'stranger'])
      await signer.#run('generate-key-pair', `--output-key-prefix=${name}`)
    await signer.#run('signing-config', 'create', '--out=signing.json')
    await signer.#run('trusted-root', 'create', '--out=root.json')
    return signer
  }

  /** The file of a public key. */
  publicKey(name = 'cosign'): string {
    return join(this.directory, `${name}.pub`)
  }

  async sign(node: TestNode, name: string, digest: string, way: Way, key = 'cosign') {
    const options = [`--key=${key}.key`, '--trusted-root=root.json', '--yes', ...WAYS[way]]
    await this.remote(['sign'], ...options, `127.0.0.1:${node.port}/${name}@${digest}`)
  }

  /** cosign finds a good signature through that registry. */
  async verifies(node: TestNode, name: string, reference: string, way: Way): Promise<void> {
    const more = way === 'referrer' ? ['--experimental-oci11'] : []
    const options = ['--key=cosign.pub', '--insecure-ignore-tlog=true', ...more]
    const said = await this.remote(['verify'], ...options, at(node, name, reference))
    assert.match(said, /docker-manifest-digest/)
  }

  /** Runs a command of cosign that talks to a registry, beside its keys. */
  remote(command: readonly string[], ...args: readonly string[]): Promise<string> {
    return this.#run(...command, '--allow-http-registry', ...args)
  }

  async #run(...args: readonly string[]): Promise<string> {
    const env = { COSIGN_PASSWORD: 'secret', COSIGN_EXPERIMENTAL: '1', HOME: this.directory }
    return run(await tool('cosign'), args, { cwd: this.directory, env })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

/** `host/name:tag` or `host/name@digest`. */
export function at(node: TestNode, name: string, reference: string): string {
  return `127.0.0.1:${node.port}/${name}${reference.includes(':') ? '@' : ':'}${reference}`
}

/** The path of a program that `npm run tools` builds. */
export async function tool(name: 'cosign' | 'crane' | 'oras'): Promise<string> {
  return (await findTool(name)) ?? assert.fail(`there is no ${name}`)
}
