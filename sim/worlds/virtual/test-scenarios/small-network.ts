import Koa from 'koa'
import { createAuthenticatedClient, isPendingGrant } from '@interledger/open-payments'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHttpClient, serveHttp } from '../../../../node/runtime/index.ts'
import type { Database } from '../../../../node/runtime/index.ts'
import type { VirtualRuntime } from '../runtime.ts'
import type { VirtualWorld } from '../world.ts'

/**
 * A bookkeeper on a database, an Open Payments resource of koa, and clients of every kind: what the services of a node
 * are made of, without the services.
 */
export default async function smallNetwork(world: VirtualWorld, { requests }: { requests: number }) {
  const acacia = world.runtime('acacia', 'acacia')
  const baobab = world.runtime('baobab', 'baobab')
  const books = await acacia.run(() => startBookkeeper(acacia, world.databaseUrl('acacia')))
  const wallet = await baobab.run(() => startWallet(baobab, world.databaseUrl('baobab')))

  const client = baobab.run(() => createHttpClient(baobab))
  const answers = await Promise.all(
    Array.from({ length: requests }, (_, index) =>
      baobab.run(() => client.request({ method: 'POST', url: 'https://acacia/', body: `entry ${index}` }))
    )
  )
  const doomed = world.runtime('acacia-again', 'acacia')
  doomed.run(() => {
    setInterval(() => expectNoMore(doomed), 500)
  })
  const fetched = (await (
    await fetch('https://baobab/alice', { headers: { accept: 'application/json' } })
  ).json()) as object
  const { privateKey } = generateKeyPairSync('ed25519')
  const openPayments = await createAuthenticatedClient({
    walletAddressUrl: 'https://baobab/alice',
    keyId: 'key-1',
    privateKey
  })
  const address = await openPayments.walletAddress.get({ url: 'https://baobab/alice' })
  const grant = await openPayments.grant.request(
    { url: 'https://baobab/grant' },
    { access_token: { access: [{ type: 'quote', actions: ['create'] }] } }
  )
  await sleep(1_100)
  doomed.kill()
  await sleep(24 * 3_600_000)

  return {
    statuses: [...new Set(answers.map(({ status }) => status))],
    heard: books.heard.length,
    rows: await acacia.run(() => books.count()),
    others: await baobab.run(() => wallet.count()),
    fetched,
    authServer: address.authServer,
    pending: isPendingGrant(grant),
    now: new Date().toISOString(),
    random: [randomBytes(4).toString('hex'), crypto.randomUUID(), Math.random()]
  }
}

function expectNoMore(runtime: VirtualRuntime): void {
  if (runtime.owner.killed) throw new Error('a timer of a dead process rang')
}

async function startBookkeeper(runtime: VirtualRuntime, url: string) {
  const database: Database = runtime.openDatabase({ url })
  await database.migrate('books', [
    { name: '1', up: 'CREATE TABLE entries (id uuid PRIMARY KEY, text text, at bigint)' }
  ])
  const heard: string[] = []
  await database.listen('entry', (payload) => heard.push(payload))
  await serveHttp(runtime, { host: 'acacia', port: 443 }, (request, response) => {
    let text = ''
    request.on('data', (bytes: Buffer) => (text += bytes.toString()))
    request.on('end', () => {
      void database
        .transaction(async (trx) => {
          const id = runtime.random.orderedUuid()
          await trx('entries').insert({ id, text, at: runtime.clock.nowMs() })
          await trx.raw("SELECT pg_notify('entry', ?)", [id])
        })
        .then(() => response.end('booked'))
    })
  })
  const count = async () => Number((await database.knex('entries').count({ count: '*' }))[0]?.count)
  return { heard, count }
}

async function startWallet(runtime: VirtualRuntime, url: string) {
  const database = runtime.openDatabase({ url })
  await database.migrate('books', [{ name: '1', up: 'CREATE TABLE entries (id int)' }])
  const app = new Koa()
  app.use(async (context) => {
    await database.knex('entries').insert({ id: 1 })
    if (context.path === '/grant') {
      context.body = {
        access_token: {
          value: 'token',
          manage: 'https://baobab/token/1',
          expires_in: 600,
          access: [{ type: 'quote', actions: ['create'] }]
        },
        continue: { access_token: { value: 'continue' }, uri: 'https://baobab/continue/1' }
      }
      return
    }
    context.body = {
      id: 'https://baobab/alice',
      publicName: 'Alice',
      assetCode: 'EUR',
      assetScale: 2,
      authServer: 'https://baobab/auth',
      resourceServer: 'https://baobab/op'
    }
  })
  await serveHttp(runtime, { host: 'baobab', port: 443 }, app.callback())
  const count = async () => Number((await database.knex('entries').count({ count: '*' }))[0]?.count)
  return { count }
}
