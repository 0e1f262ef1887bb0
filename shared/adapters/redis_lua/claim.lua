-- A worker takes a dispatch. ARGV: prefix, id, step, dispatch, holder, lease in seconds.
-- Returns the job's body, or false where the dispatch is stale, answered or claimed.
local id, holder = ARGV[2], ARGV[5]
local job = job_key(id)
local stored = redis.call('HMGET', job, 'step', 'dispatch', 'work', 'stage', 'holder', 'body')
if stored[1] ~= ARGV[3] or stored[2] ~= ARGV[4] or stored[5] ~= '' or stored[4] == '' or stored[3] ~= stored[4] then
  return false
end
local lease_end = now_s() + tonumber(ARGV[6])
redis.call('HSET', job, 'holder', holder)
redis.call('ZREM', key('waiting:' .. stored[3]), id)
redis.call('ZADD', key('running:' .. stored[3]), stamp(lease_end), id)
schedule(id, lease_end)
return stored[6]
