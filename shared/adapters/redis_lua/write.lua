-- Creates or commits a job: version, body, pending command (the outbox) and public events, in one step or not at all.
-- ARGV: prefix, id, expected version (0 creates), body, status, created, ended (1/0), step, stage (the pending command's
--       kind; '' where there is none), attention (deadline in seconds or ''), cancel heeded (1/0), first send in
--       seconds, event seq, event body, event seq, event body, ...
-- Returns {'ok', version, dispatch}, {'exists'}, {'missing'} or {'moved', version}.
local id, expected = ARGV[2], tonumber(ARGV[3])
local job = job_key(id)
local stored = redis.call('HMGET', job, 'version', 'step', 'stage', 'work', 'canceled', 'ended')
local version = tonumber(stored[1])
if expected == 0 and version then return {'exists'} end
if expected > 0 and not version then return {'missing'} end
if expected > 0 and version ~= expected then return {'moved', version} end

local ended, step, stage, now = ARGV[7] == '1', ARGV[8], ARGV[9], now_s()
redis.call('HSET', job, 'version', expected + 1, 'body', ARGV[4], 'status', ARGV[5], 'created', ARGV[6],
  'ended', ARGV[7])
for i = 13, #ARGV, 2 do
  redis.call('XADD', key('events:' .. id), ARGV[i] .. '-0', 'event', ARGV[i + 1])
end

if ended then
  redis.call('ZREM', key('unfinished'), id)
  redis.call('ZREM', key('attention'), id)
else
  redis.call('ZADD', key('unfinished'), ARGV[6], id)
  if stored[5] == '1' and ARGV[11] == '0' then
    redis.call('ZADD', key('attention'), stamp(now), id)
  elseif ARGV[10] ~= '' then
    redis.call('ZADD', key('attention'), ARGV[10], id)
  else
    redis.call('ZREM', key('attention'), id)
  end
end

-- Another step, another command or the end: what the job waits for is new, and claims and answers of before are void.
-- A job that has ended waits for the loop once more, which lays its record beside its images.
local dispatch = redis.call('HGET', job, 'dispatch')
if not version or stored[2] ~= step or stored[3] ~= stage or (ended and stored[6] ~= '1') then
  local work = 'advance'
  if stage ~= '' then
    work = stage
    dispatch = redis.call('HINCRBY', job, 'dispatches', 1)
  end
  redis.call('HSET', job, 'step', step, 'stage', stage, 'dispatch', dispatch or 0, 'lost', 0, 'answer', '')
  wait_for(id, work, stored[4], now, tonumber(ARGV[12]))
end
return {'ok', expected + 1, tonumber(dispatch or 0)}
