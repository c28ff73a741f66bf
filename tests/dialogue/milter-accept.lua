-- tests/dialogue/milter-accept.lua - opendkim's miltertest speaks: a message is accepted, with our fields on top.
function say(what, conn, answer)
	if mt.getreply(conn) ~= answer then
		error(what .. ": the answer is " .. mt.getreply(conn))
	end
end

function transaction(conn)
	mt.macro(conn, SMFIC_MAIL, "i", "4Lua")
	if mt.mailfrom(conn, "<a@a.example>", "SIZE=100") ~= nil then error("mailfrom") end
	if mt.rcptto(conn, "<refused@example.org>") ~= nil then error("rcptto") end
	say("a refused recipient", conn, SMFIR_REPLYCODE)
	if mt.rcptto(conn, "<user@example.org>") ~= nil then error("rcptto") end
	say("a recipient", conn, SMFIR_CONTINUE)
	if mt.data(conn) ~= nil then error("data") end
	if mt.header(conn, "From", " a@a.example") ~= nil then error("header") end
	if mt.header(conn, "X-Spam-Flag", " YES") ~= nil then error("header") end
	if mt.header(conn, "Subject", " hello") ~= nil then error("header") end
	if mt.eoh(conn) ~= nil then error("eoh") end
	if mt.bodystring(conn, "hello\r\n") ~= nil then error("body") end
	if mt.bodyrandom(conn, 100000) ~= nil then error("body") end
	if mt.eom(conn) ~= nil then error("eom") end
	say("the message", conn, SMFIR_ACCEPT)
	if not mt.eom_check(conn, MT_HDRINSERT, "X-Spam-Score") then error("no X-Spam-Score") end
	if not mt.eom_check(conn, MT_HDRINSERT, "Authentication-Results") then error("no Authentication-Results") end
	if not mt.eom_check(conn, MT_HDRDELETE, "X-Spam-Flag") then error("X-Spam-Flag is still there") end
	if mt.eom_check(conn, MT_HDRADD, "X-Spam-Score") then error("fields are not added at the end") end
end

conn = mt.connect("inet:" .. port .. "@127.0.0.1")
if conn == nil then error("no connection") end
if mt.conninfo(conn, "mail.a.example", "192.0.2.25") ~= nil then error("conninfo") end
mt.macro(conn, SMFIC_HELO, "{tls_version}", "TLSv1.3", "{cipher}", "TLS_AES_256_GCM_SHA384", "{cipher_bits}", "256")
if mt.helo(conn, "mail.a.example") ~= nil then error("helo") end
transaction(conn)
transaction(conn)
mt.abort(conn)
transaction(conn)
mt.disconnect(conn)
mt.echo("well spoken")
