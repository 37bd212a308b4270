import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Document, parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { OPTIONS } from '../../src/config/options.ts'
import { scratch } from './support.ts'
import type { LoadedConfig } from '../../src/config/load.ts'

/** One line of the table. */
interface Row {
  readonly key: string
  readonly variable: string
  /** The default, as it would be written in the file. */
  readonly value: string
  readonly meaning: string
}

const ROW = /^\| `([^`]+)` +\| `(REGISTRY_[^`]+)` +\| `([^`]+)` +\| (.+?) +\|$/gm

async function rows(): Promise<Row[]> {
  const text = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8')
  return [...text.matchAll(ROW)].map(([, key = '', variable = '', value = '', meaning = '']) => ({
    key,
    variable,
    value,
    meaning,
  }))
}

/** The configuration of a file with one option in it. */
async function loadOne(cwd: string, key: string, value: string): Promise<LoadedConfig> {
  const document = new Document({})
  document.setIn(key.split('.'), parse(value))
  await writeFile(join(cwd, 'one.yaml'), String(document))
  return await loadConfig({ file: 'one.yaml', env: {}, cwd })
}

describe('the configuration table in README.md', () => {
  it('has every option, with its variable and its meaning, in the order of the schema', async () => {
    const options = OPTIONS.filter(({ kind }) => kind !== 'section')
    assert.deepEqual(
      (await rows()).map(({ key, variable, meaning }) => ({ key, variable, meaning })),
      options.map(({ path, variable, description }) => ({
        key: path.join('.'),
        variable,
        meaning: description,
      })),
    )
  })

  it('states the built-in defaults', async () => {
    await using directory = await scratch()
    const defaults = await loadConfig({ env: {}, cwd: directory.path })
    for (const { key, value } of await rows())
      assert.deepEqual(await loadOne(directory.path, key, value), defaults, `${key}: ${value}`)
  })

  it('is checked by a comparison that sees another value', async () => {
    await using directory = await scratch()
    const defaults = await loadConfig({ env: {}, cwd: directory.path })
    for (const [key, value] of [
      ['limits.blob', '101GiB'],
      ['http.hosts', '[registry.localhost]'],
      ['ipns.lifetime', '364d'],
      ['storage.delete.enabled', 'false'],
    ] as const)
      assert.notDeepEqual(await loadOne(directory.path, key, value), defaults, key)
  })
})
