import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Document, parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { OPTIONS } from '../../src/config/options.ts'
import { scratch } from './support.ts'

/** One line of the configuration table in README.md. */
interface Row {
  readonly key: string
  readonly variable: string
  /** As it would be written in the file. */
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

describe('the configuration table in README.md', () => {
  it('has every option with its variable and its meaning, in the order of the schema', async () => {
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
    const cwd = directory.path
    const defaults = await loadConfig({ env: {}, cwd })
    for (const { key, value } of await rows()) {
      const document = new Document({})
      document.setIn(key.split('.'), parse(value))
      await writeFile(join(cwd, 'c.yaml'), String(document))
      assert.deepEqual(await loadConfig({ file: 'c.yaml', env: {}, cwd }), defaults, key)
    }
  })

  it('is not believed when it is wrong', async () => {
    await using directory = await scratch()
    const cwd = directory.path
    const defaults = await loadConfig({ env: {}, cwd })
    await writeFile(join(cwd, 'c.yaml'), 'limits: { blob: 10GiB }\n')
    assert.notDeepEqual(await loadConfig({ file: 'c.yaml', env: {}, cwd }), defaults)
  })
})
