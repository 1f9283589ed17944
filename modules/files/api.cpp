#include "modules/files/api.h"

#include <algorithm>

#include "core/base/glob.h"

namespace weir::files {

using config::setting;
using config::settings;

namespace {

constexpr config::ByteSize most_per_call = config::mebibytes(16);

std::string wrong_mode(const std::string& mode) {
    return mode_of(mode) ? "" : "must be permissions in octal, up to \"0777\"";
}

std::string wrong_glob(const std::string& pattern) {
    return pattern.size() > Glob::longest
               ? "has more than " + std::to_string(Glob::longest) + " bytes"
               : "";
}

constexpr const char* about_root = "Name of the folder in the configuration";
constexpr const char* about_path = "The file, below that folder";
constexpr const char* about_coding =
    "How its bytes are written: as text, which is UTF-8, or in Base64";
constexpr const char* about_folders = "Whether missing folders are made";

}  // namespace

std::optional<unsigned> mode_of(const std::string& text) {
    const auto is_octal = [](char digit) { return digit >= '0' && digit <= '7'; };
    if (text.size() < 3 || text.size() > 4 || !std::ranges::all_of(text, is_octal) ||
        (text.size() == 4 && text[0] != '0')) {
        return std::nullopt;
    }
    return static_cast<unsigned>(std::stoul(text, nullptr, 8));
}

config::Settings<ReadParameters> ReadParameters::describe() {
    using S = ReadParameters;
    return settings<S>(
        "Reads a file, or a part of it",
        setting("root", &S::root, about_root).check(name_of_root()).required(),
        setting("path", &S::path, about_path).required(),
        setting("coding", &S::coding, about_coding),
        setting("position", &S::position,
                "From which byte on a part is read; null: the whole file is, or the call fails"),
        setting("at_most", &S::at_most, "How much is read; null: what the root allows")
            .range(config::ByteSize{1}, most_per_call));
}

config::Settings<FileContent> FileContent::describe() {
    using S = FileContent;
    return settings<S>("What was read of a file", setting("content", &S::content, "Its bytes"),
                       setting("size", &S::size, "How long the file is").unit("bytes"),
                       setting("next", &S::next, "The position after what was read"));
}

config::Settings<WriteParameters> WriteParameters::describe() {
    using S = WriteParameters;
    return settings<S>(
        "Gives a file a new content, or makes it. Whatever happens, it has either the old or the "
        "new content",
        setting("root", &S::root, about_root).check(name_of_root()).required(),
        setting("path", &S::path, about_path).required(),
        setting("content", &S::content, "The new content").required(),
        setting("coding", &S::coding, about_coding),
        setting("mode", &S::mode,
                "Its permissions, as \"0640\"; null: those that it has, and 0644 for a new one")
            .check(wrong_mode),
        setting("make_folders", &S::make_folders, about_folders));
}

config::Settings<AppendParameters> AppendParameters::describe() {
    using S = AppendParameters;
    return settings<S>(
        "Writes at the end of a file, which is made if it is missing: one of content and line",
        setting("root", &S::root, about_root).check(name_of_root()).required(),
        setting("path", &S::path, about_path).required(),
        setting("content", &S::content, "What is written, as it is"),
        setting("coding", &S::coding, about_coding),
        setting("line", &S::line,
                "What is written as a line of its own: a text, or any other JSON; null: none"),
        setting("mode", &S::mode, "Permissions of a file that is made; null: 0644")
            .check(wrong_mode),
        setting("make_folders", &S::make_folders, about_folders),
        setting("sync", &S::sync, "Whether it is on the disk when the call returns"),
        setting("rotate_at", &S::rotate_at,
                "A file that would be longer gets the name NAME.1 first, and those before it "
                "NAME.2 and so on; 0: never"),
        setting("keep", &S::keep, "How many of these are kept").range(0, 999));
}

config::Settings<ListParameters> ListParameters::describe() {
    using S = ListParameters;
    return settings<S>(
        "Lists what is in a folder",
        setting("root", &S::root, about_root).check(name_of_root()).required(),
        setting("path", &S::path, "The folder, below that of the root; \"\": the root itself"),
        setting("pattern", &S::pattern,
                "Which names: `*` stands for any text, `?` for one byte; of a pattern with a `/`, "
                "which paths below the folder")
            .check(wrong_glob),
        setting("recursive", &S::recursive, "Whether the folders below are listed too"),
        setting("at_most", &S::at_most, "How many entries are returned").range(1, 100'000));
}

config::Settings<FileEntry> FileEntry::describe() {
    using S = FileEntry;
    return settings<S>("An entry of a folder",
                       setting("path", &S::path, "Where it is, below the root"),
                       setting("kind", &S::kind, "What it is"),
                       setting("size", &S::size, "How long it is").unit("bytes"),
                       setting("modified", &S::modified,
                               "When it was written, in UTC, as \"2026-12-24T18:00:00Z\""));
}

config::Settings<Listing> Listing::describe() {
    return settings<Listing>(
        "What is in a folder",
        setting("entries", &Listing::entries, "The entries, in the order of their paths"),
        setting("cut", &Listing::cut, "Whether there are more"));
}

config::Settings<MoveParameters> MoveParameters::describe() {
    using S = MoveParameters;
    return settings<S>(
        "Gives a file or a folder another name",
        setting("root", &S::root, about_root).check(name_of_root()).required(),
        setting("from", &S::from, "What is moved, below that folder").required(),
        setting("to", &S::to, "Its new name").required(),
        setting("to_root", &S::to_root,
                "Below which folder that is, on the same file system; null: the same one")
            .check(name_of_root()),
        setting("replace", &S::replace, "Whether it takes the place of a file of that name"),
        setting("make_folders", &S::make_folders, about_folders));
}

config::Settings<RemoveParameters> RemoveParameters::describe() {
    using S = RemoveParameters;
    return settings<S>("Removes a file, or a symbolic link. Returns whether there was one",
                       setting("root", &S::root, about_root).check(name_of_root()).required(),
                       setting("path", &S::path, about_path).required());
}

config::Settings<ConfirmParameters> ConfirmParameters::describe() {
    using S = ConfirmParameters;
    return settings<S>("Says that a line of a tail, and those before it, need not be told again",
                       setting("tail", &S::tail, "Its name").check(name_of_tail()).required(),
                       setting("number", &S::number, "Number of the line").required());
}

config::Settings<RootInfo> RootInfo::describe() {
    using S = RootInfo;
    return settings<S>("A folder below which functions work", setting("name", &S::name, "Its name"),
                       setting("description", &S::description, "What it is for"),
                       setting("writable", &S::writable, "Whether functions may write there"),
                       setting("read", &S::read, "Bytes that were read"),
                       setting("written", &S::written, "Bytes that were written"),
                       setting("waiting", &S::waiting, "Calls that wait for others"));
}

config::Settings<WatchInfo> WatchInfo::describe() {
    using S = WatchInfo;
    return settings<S>(
        "A folder that is watched", setting("name", &S::name, "Its name"),
        setting("description", &S::description, "What it is for"),
        setting("files", &S::files, "Files that are there, as far as it was told"),
        setting("unsettled", &S::unsettled, "Files that are changing"),
        setting("changes", &S::changes, "Changes that were told"),
        setting("overflows", &S::overflows,
                "How often the system had no room for reports, so that all was looked at anew"),
        setting("beyond", &S::beyond, "Looks at files beyond `max_files`"));
}

config::Settings<TailInfo> TailInfo::describe() {
    using S = TailInfo;
    return settings<S>(
        "A file whose lines are told", setting("name", &S::name, "Its name"),
        setting("description", &S::description, "What it is for"),
        setting("number", &S::number, "Number of the line that was told last"),
        setting("confirmed", &S::confirmed, "Number of the line that was confirmed last"),
        setting("lines", &S::lines, "Lines that were told since the server started"),
        setting("bytes", &S::bytes, "Bytes of these"),
        setting("rotations", &S::rotations, "How often another file took its place"),
        setting("cut_files", &S::cut_files, "How often it was cut, or written anew"));
}

config::Settings<FilesInfo> FilesInfo::describe() {
    using S = FilesInfo;
    return settings<S>("What the module does", setting("roots", &S::roots, "Folders for functions"),
                       setting("watches", &S::watches, "Folders that are watched"),
                       setting("tails", &S::tails, "Files that are followed"));
}

}  // namespace weir::files
