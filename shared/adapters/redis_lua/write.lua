-- Creates or commits a job: version, body, names, pending command (the outbox), public events and the
-- webhook deliveries that they ask for, in one step or not at all. ARGV: prefix, id, expected version (0 creates), body, facts (JSON, see `redis_jobs._facts`), first send in
-- seconds, life of an idempotency key in seconds, event seq, event body, event seq, event body, ...
-- Returns {'ok', version, dispatch}, {'exists'}, {'taken', id}, {'missing'} or {'moved', version}.
local id, expected, facts, now = ARGV[2], tonumber(ARGV[3]), cjson.decode(ARGV[5]), now_s()
local job, step = job_key(id), tostring(facts.step)
local stored = redis.call('HMGET', job, 'version', 'step', 'stage', 'work', 'canceled', 'ended', 'status')
local version, was_ended, old_status = tonumber(stored[1]), stored[6] == '1', stored[7]

if expected == 0 then
  if version then return {'exists'} end
  local taken = name_taken(facts, tonumber(ARGV[7]))
  if taken then return {'taken', taken} end
  take_names(id, facts, tonumber(ARGV[7]))
else
  if not version then return {'missing'} end
  if version ~= expected then return {'moved', version} end
end

redis.call('HSET', job, 'version', expected + 1, 'body', ARGV[4], 'status', facts.status, 'ended', facts.ended and 1 or 0,
  'owner', facts.owner, 'client_id', facts.client_id or '', 'idempotency_key', facts.idempotency_key or '')
for i = 8, #ARGV, 2 do
  redis.call('XADD', key('events:' .. id), ARGV[i] .. '-0', 'event', ARGV[i + 1])
end
for _, item in ipairs(facts.deliveries) do
  redis.call('HSET', key('delivery:' .. item.name), 'body', item.body, 'site', item.site, 'claims', 0, 'revision', 0,
    'leased_until', 0)
  redis.call('ZADD', key('deliveries:' .. id), item.seq, item.name)
  redis.call('ZADD', key('deliveries_due'), stamp(item.due), item.name)
end
if old_status ~= facts.status then
  unlist(id, facts.owner, old_status)
  list(id, facts)
end

if facts.ended then
  if facts.expires then redis.call('ZADD', key('expires'), stamp(facts.expires), id) end
  if not was_ended then count_seconds(facts.seconds) end
elseif stored[5] == '1' and not facts.cancel_heeded then
  redis.call('ZADD', key('attention'), stamp(now), id)
elseif facts.attention then
  redis.call('ZADD', key('attention'), stamp(facts.attention), id)
else
  redis.call('ZREM', key('attention'), id)
end

-- Another step, another command or the end: what the job waits for is new, and claims and answers of before are void.
-- A job that has ended waits for the loop once more, which lays its record beside its images.
local dispatch = redis.call('HGET', job, 'dispatch')
if not version or stored[2] ~= step or stored[3] ~= facts.stage or (facts.ended and not was_ended) then
  local work = 'advance'
  if facts.stage ~= '' then
    work = facts.stage
    dispatch = redis.call('HINCRBY', job, 'dispatches', 1)
  end
  redis.call('HSET', job, 'step', step, 'stage', facts.stage, 'dispatch', dispatch or 0, 'lost', 0, 'answer', '')
  wait_for(id, work, stored[4], now, tonumber(ARGV[6]))
end
return {'ok', expected + 1, tonumber(dispatch or 0)}
