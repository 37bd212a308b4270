import assert from 'node:assert/strict'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EXIT } from '../../src/cli/io.ts'

const root = join(import.meta.dirname, '../..')

describe('config/heliport.service', () => {
  let unit: ReadonlyMap<string, string>
  before(async () => {
    const text = await readFile(join(root, 'config/heliport.service'), 'utf8')
    unit = new Map(
      text
        .split('\n')
        .filter((line) => /^\w+=/.test(line))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
  })

  it('starts what is in the package', async () => {
    const [, program = ''] = (unit.get('ExecStart') ?? '').split(' ')
    assert.match(program, /^\/opt\/heliport\//)
    await access(join(root, program.slice('/opt/heliport/'.length)))
    const { files } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      files: string[]
    }
    assert.ok(files.includes('config/heliport.service'))
  })

  it('is not started again for what only the operator can mend, and else is', () => {
    assert.equal(unit.get('Restart'), 'on-failure')
    assert.equal(unit.get('RestartPreventExitStatus'), `${EXIT.usage} ${EXIT.config}`)
  })

  it('gives it the time that it takes to stop', () => {
    const drained = 30 // DRAIN_TIME in src/daemon.ts
    assert.ok(Number(unit.get('TimeoutStopSec')) >= 2 * drained)
  })

  it('takes nothing away that it needs', () => {
    // V8 compiles; the check in the background looks at /proc/pressure/io; addresses are told by netlink.
    assert.equal(unit.has('MemoryDenyWriteExecute'), false)
    assert.equal(unit.has('ProcSubset'), false)
    for (const family of ['AF_INET', 'AF_INET6', 'AF_UNIX', 'AF_NETLINK'])
      assert.ok(unit.get('RestrictAddressFamilies')?.split(' ').includes(family), family)
  })
})
