-- A worker gives a claim back unfinished; it does not count as lost. ARGV: prefix, id, step, dispatch, holder.
local id = ARGV[2]
local stored = redis.call('HMGET', job_key(id), 'step', 'dispatch', 'holder', 'work')
if stored[1] ~= ARGV[3] or stored[2] ~= ARGV[4] or stored[3] ~= ARGV[5] then return 0 end
wait_for(id, stored[4], stored[4], now_s(), 0)
return 1
