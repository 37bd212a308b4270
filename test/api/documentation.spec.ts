import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorTable } from '../../src/oci/errors.ts'
import { httpRouter, routesOf, socketRouter } from '../support/route-table.ts'

const root = join(import.meta.dirname, '../..')
const page = () => readFile(join(root, 'docs/api.md'), 'utf8')

describe('docs/api.md', () => {
  it('has every address, and no other', async () => {
    const files = ['src/api/app.ts', 'src/api/admin-routes.ts']
    const texts = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8')))
    const source = texts.join('\n')
    const routes = [...source.matchAll(/\.(get|post|put|patch|delete)\('([^']+)'/g)].map(
      ([, method = '', path = '']) => `${method.toUpperCase()} ${asWritten(path)}`,
    )
    const rows = [...(await page()).matchAll(/^\| ([A-Z, ]+) \| `(\/[^`]+)` \|/gm)].flatMap(
      ([, methods = '', path = '']) =>
        methods
          .split(', ')
          .filter((method) => method !== 'HEAD') // every GET answers it
          .map((method) => `${method} ${path}`),
    )
    assert.ok(routes.length > 15, 'the table of routes is read')
    assert.deepEqual(rows.sort(), routes.sort())
  })

  it('has every route for administrators and commands, with an example', async () => {
    const text = await page()
    const admin = [...routesOf(httpRouter()), ...routesOf(socketRouter())].filter((route) =>
      route.includes(' /api/'),
    )
    const sections = new Map(
      text.split('\n### ').map((section) => [/^`(.+)`\n/.exec(section)?.[1] ?? '', section]),
    )
    for (const route of new Set(admin)) {
      const section = sections.get(route)
      assert.ok(section !== undefined, `${route} has no section`)
      const [, end = ''] = route.split('/api/v1')
      assert.match(section, new RegExp(`^curl .*\\$[AS]${end}\\b`, 'm'), route)
    }
    assert.equal(new Set(admin).size, [...sections.keys()].filter((name) => name !== '').length)
  })

  it('has every error code, with its status and sentence', async () => {
    const rows = [...(await page()).matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \| (.+) \|$/gm)].map(
      ([, code, status, message]) => [code, Number(status), message],
    )
    assert.deepEqual(
      rows,
      Object.entries(errorTable()).map(([code, { status, message }]) => [code, status, message]),
    )
  })
})

function asWritten(path: string): string {
  return path
    .replace('{/}', '/')
    .replace('*name', '<name>')
    .replace(':reference', '<tag or digest>')
    .replace(/:(\w+)/, '<$1>')
}
