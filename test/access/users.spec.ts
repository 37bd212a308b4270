import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, lstat, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockFile } from '../../src/access/exclusive-file.ts'
import { UserListError } from '../../src/access/user-list.ts'
import { listUsers, removeUser, setUser } from '../../src/access/users.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const USERS = join(import.meta.dirname, '../../src/access/users.ts')
const PASSWORD = 'correct horse'

describe('access: changes of the file of users', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let file = ''
  beforeEach(async () => {
    directory = await temporaryDirectory()
    file = join(directory.path, 'users')
  })
  afterEach(() => directory[Symbol.asyncDispose]())

  it('keep what else is in it, and leave nothing beside it', async () => {
    await writeFile(file, '# people\n\n')
    assert.equal(await setUser(file, 'alice', PASSWORD), false)
    assert.equal(await setUser(file, 'bob', PASSWORD), false)
    assert.equal(await setUser(file, 'alice', 'another one'), true)
    assert.match(
      await readFile(file, 'utf8'),
      /^# people\n\nalice:\$2[aby]\$\d\d\$.{53}\nbob:.{60}\n$/,
    )
    assert.equal(await removeUser(file, 'alice'), true)
    assert.equal(await removeUser(file, 'alice'), false)
    assert.match(await readFile(file, 'utf8'), /^# people\n\nbob:.{60}\n$/)
    assert.deepEqual(await readdir(directory.path), ['users'])
  })

  const FINE = `dora:$2y$10$${'a'.repeat(53)}`
  const BAD = 'eve:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g='

  it('put another line in the place of a bad one of that user, or drop it', async () => {
    await writeFile(file, `# people\n${BAD}\n${FINE}\n`)
    await assert.rejects(setUser(file, 'zoe', PASSWORD), /:2: the password of eve .*user add eve/)
    assert.equal(await setUser(file, 'eve', PASSWORD), true)
    assert.deepEqual(await listUsers(file), ['dora', 'eve'])
    await writeFile(file, `${BAD}\n${FINE}\n`)
    assert.equal(await removeUser(file, 'eve'), true)
    assert.equal(await readFile(file, 'utf8'), `${FINE}\n`)
  })

  it('mend one bad line after the other, and a user who is there twice', async () => {
    await writeFile(file, `${BAD}\nmax:plain\n${FINE}\n${FINE}\n`)
    assert.equal(await removeUser(file, 'eve'), true)
    assert.equal(await setUser(file, 'dora', PASSWORD), true)
    assert.equal(await setUser(file, 'max', PASSWORD), true)
    assert.deepEqual(await listUsers(file), ['dora', 'max'])
    assert.match(await readFile(file, 'utf8'), /^max:\$2.*\ndora:\$2.*\n$/)
  })

  it('are not made in a file that is no list of users, whatever it has of them', async () => {
    const text = `http:\n  addr: 127.0.0.1:5000\n${BAD}\n`
    await writeFile(file, text)
    for (const name of ['eve', 'zoe'])
      await assert.rejects(setUser(file, name, PASSWORD), UserListError)
    await assert.rejects(removeUser(file, 'http'), /no line of a user/)
    assert.equal(await readFile(file, 'utf8'), text)
  })

  it('are all there when many make them at once, in two processes', async () => {
    const code = `import(process.argv[1]).then(({ setUser }) => Promise.all(process.argv.slice(3).map((name) => setUser(process.argv[2], name, '${PASSWORD}'))))`
    const names = Array.from({ length: 12 }, (_, n) => `user${n + 10}`)
    const halves = [names.slice(0, 6), names.slice(6)]
    const codes = await Promise.all(
      halves.map(async (half) => {
        const child = spawn(process.execPath, ['-e', code, USERS, file, ...half], {
          stdio: 'inherit',
        })
        return ((await once(child, 'exit')) as [number | null])[0]
      }),
    )
    assert.deepEqual(codes, [0, 0])
    assert.deepEqual(await listUsers(file), names)
  })

  it('leave its rights as they were; a new one is for its owner alone', async () => {
    await setUser(file, 'alice', PASSWORD)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    await chmod(file, 0o640)
    await setUser(file, 'bob', PASSWORD)
    assert.equal((await stat(file)).mode & 0o777, 0o640)
  })

  it('leave its owner as he was: the daemon may be another user than who adds one', async function () {
    if (process.getuid?.() !== 0) this.skip() // only root can give a file away
    await setUser(file, 'alice', PASSWORD)
    await chown(file, 4711, 4712)
    await setUser(file, 'bob', PASSWORD)
    const { uid, gid } = await stat(file)
    assert.deepEqual([uid, gid], [4711, 4712])
  })

  it('go to what a link leads to', async () => {
    const link = join(directory.path, 'link')
    await setUser(file, 'alice', PASSWORD)
    await symlink('users', link)
    await setUser(link, 'bob', PASSWORD)
    assert.ok((await lstat(link)).isSymbolicLink())
    assert.deepEqual(await listUsers(file), ['alice', 'bob'])
  })

  it('that were killed in the middle are named, with what to do', async () => {
    await writeFile(`${file}.lock`, '')
    await assert.rejects(lockFile(file, 50), {
      name: 'UserListError',
      message: /users\.lock is there.*delete that file/,
    })
  })
})
