import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, loadConfig } from '../../src/config/load.ts'
import type { LoadedConfig } from '../../src/config/load.ts'

/** An IPNS name (Ed25519) in base36, and the same key in other spellings. */
export const KEY = 'k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8'
export const PEER = '12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq'
export const RSA_PEER = 'QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC'

/** A directory that is gone after the test. */
export async function scratch(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'heliport-config-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

type Env = Record<string, string>

/** Loads a configuration from the text of a file `c.yaml`, the environment, or both. */
export async function load(
  yaml: string | Uint8Array | undefined,
  env: Env = {},
): Promise<LoadedConfig> {
  await using directory = await scratch()
  if (yaml !== undefined) await writeFile(join(directory.path, 'c.yaml'), yaml)
  return await loadConfig({
    file: yaml === undefined ? undefined : 'c.yaml',
    env,
    cwd: directory.path,
  })
}

/** The lines of the error that loading ends in. */
export async function problems(
  yaml: string | Uint8Array | undefined,
  env: Env = {},
): Promise<readonly string[]> {
  try {
    await load(yaml, env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  throw new Error('this configuration was accepted')
}
